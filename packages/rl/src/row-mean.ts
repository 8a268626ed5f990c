import { tf } from "@verlet/backend";

/** Each row's mean over its active tokens, 0 for a row without any. @param values [B, C] · @returns [B, 1] */
export function rowMean(values: tf.Tensor2D, mask: tf.Tensor2D): tf.Tensor2D {
  return tf.div(tf.sum(tf.mul(values, mask), 1, true), tf.maximum(tf.sum(mask, 1, true), 1));
}
