import { tf, type RotaryTable } from "@verlet/backend";
import type { TokenBatch } from "@verlet/core";

/** How tokens lie in the rows that the layers compute. */
export interface Layout {
  /** [B·T] */
  ids: Int32Array;
  rows: number;
  width: number;
  /** Each token's place in its own sequence, [B·T]; that in its row where it is not given. */
  positions?: Int32Array;
  /** Which sequence of its row each token is of, [B·T], as `attention` takes it; all are of one where it is not given. */
  sequences?: Float32Array;
}

/** Of a batch whose rows may hold several sequences. */
export function layoutOf({ ids, rows, width, starts }: TokenBatch): Layout {
  if (!starts) return { ids, rows, width };
  return { ids, rows, width, positions: starts.map((start, at) => (at % width) - start), sequences: Float32Array.from(starts) };
}

/**
 * The angles of each token's place in its own sequence.
 * @param positions [B·T], below P
 * @param table of the positions 0 … P − 1, [1, P, 1, D]
 * @param width T
 * @returns [B, T, 1, D]
 */
export function rotaryAt(positions: Int32Array, { cos, signedSin }: RotaryTable, width: number): RotaryTable {
  const [, count, , dim] = cos.shape;
  const places = tf.tensor1d(positions, "int32"); // [B·T]
  const placed = (angles: tf.Tensor4D): tf.Tensor4D => tf.reshape(tf.gather(tf.reshape(angles, [count, dim]), places), [-1, width, 1, dim]);
  return { cos: placed(cos), signedSin: placed(signedSin) };
}
