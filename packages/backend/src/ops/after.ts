import { tf } from "../tf.js";

/**
 * x, computed from `later` as well. What the backward pass computes a second time starts from it: in a traced graph nothing
 * else would hold that back until its gradient is there, or keep the optimizer from merging it with the first time, whose
 * results would then stay in memory.
 */
export function after<T extends tf.Tensor>(x: T, later: tf.Tensor): T {
  return tf.add(x, tf.mul(tf.slice(tf.reshape(later, [-1]), 0, 1), 0));
}
