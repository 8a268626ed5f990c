/** Rows that hold several sequences: each sees only itself, and counts its positions from its own beginning. */
import { HIDDEN, tf, type RotaryTable } from "@verlet/backend";

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

/**
 * A causal mask that is block-diagonal in each row.
 * @param starts [B·T], as in TokenBatch
 * @param causal [1, 1, g·T, T], additive
 * @returns [B, 1, g·T, T], additive
 */
export function ownMask(starts: Int32Array, causal: tf.Tensor4D): tf.Tensor4D {
  const [, , queries, width] = causal.shape;
  const sequences = tf.tensor2d(starts, [starts.length / width, width], "int32"); // [B, T]; equal within a sequence
  const asking = tf.reshape(tf.tile(sequences, [1, queries / width]), [-1, 1, queries, 1]);
  const others = tf.notEqual(asking, tf.reshape(sequences, [-1, 1, 1, width])); // [B, 1, g·T, T]
  return tf.add(causal, tf.mul(tf.cast(others, "float32"), HIDDEN));
}
