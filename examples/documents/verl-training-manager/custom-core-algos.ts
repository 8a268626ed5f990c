/** 自定义核心算法: advantages in VERL's form. The YAML, the manager and the command line name this file and a function of it. */
import { tf } from "verlet";

/** Each row's score less the mean of its group, over the group's standard deviation, with `weight` on rows above the mean. */
function groupAdvantage(tokenLevelRewards: tf.Tensor2D, eosMask: tf.Tensor2D, index: Int32Array, epsilon: number, weight: number): [tf.Tensor2D, tf.Tensor2D] {
  const scores = tf.tidy(() => tf.sum(tokenLevelRewards, 1).arraySync() as number[]); // [B]
  const rows = scores.map((score, row) => {
    const group = scores.filter((_, other) => index[other] === index[row]);
    const mean = group.reduce((sum, one) => sum + one, 0) / group.length;
    const deviation = Math.sqrt(group.reduce((sum, one) => sum + (one - mean) ** 2, 0) / Math.max(1, group.length - 1));
    const advantage = (score - mean) / (deviation + epsilon);
    return advantage > 0 ? weight * advantage : advantage;
  });
  const advantages = tf.tidy(() => tf.mul(tf.expandDims(tf.tensor1d(rows), 1), eosMask) as tf.Tensor2D); // [B, C]
  return [advantages, advantages.clone()];
}

export function computeCustomAdvantage(tokenLevelRewards: tf.Tensor2D, eosMask: tf.Tensor2D, index: Int32Array, epsilon = 1e-6): [tf.Tensor2D, tf.Tensor2D] {
  return groupAdvantage(tokenLevelRewards, eosMask, index, epsilon, 1);
}

/** What was better than the group counts twice. */
export function computeWeightedGrpoAdvantage(tokenLevelRewards: tf.Tensor2D, eosMask: tf.Tensor2D, index: Int32Array, epsilon = 1e-6): [tf.Tensor2D, tf.Tensor2D] {
  return groupAdvantage(tokenLevelRewards, eosMask, index, epsilon, 2);
}
