/** Rows that hold several sequences: each counts its positions from its own beginning. */
import { tf, type RotaryTable } from "@verlet/backend";

/**
 * The angles of each token's place in its own sequence.
 * @param starts [B·T], as in TokenBatch
 * @param table of the positions 0 … T − 1, [1, T, 1, D]
 * @returns [B, T, 1, D]
 */
export function ownRotary(starts: Int32Array, { cos, signedSin }: RotaryTable): RotaryTable {
  const [, width, , dim] = cos.shape;
  const places = tf.tensor1d(starts.map((start, at) => (at % width) - start), "int32"); // [B·T]
  const placed = (angles: tf.Tensor4D): tf.Tensor4D => tf.reshape(tf.gather(tf.reshape(angles, [width, dim]), places), [-1, width, 1, dim]);
  return { cos: placed(cos), signedSin: placed(signedSin) };
}
