import { tf } from "../tf.js";

/** [B, T, heads, D] → [B, kvHeads, (heads / kvHeads)·T, D]: query heads that share a key head lie in one matrix. */
export function groupHeads(x: tf.Tensor4D, kvHeads: number): tf.Tensor4D {
  const [batch, , , dim] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, kvHeads, -1, dim]);
}
