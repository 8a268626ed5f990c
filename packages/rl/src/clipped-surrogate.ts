import { tf } from "@verlet/backend";
import type { PolicyLossInput } from "@verlet/core";

/**
 * −min(ρA, clip(ρ, low, high)·A) (Schulman et al. 2017, eq. 7), [B, C].
 * @param unclipped ρ in the first term, where that is not the ratio itself
 */
export function clippedSurrogate(ratio: tf.Tensor2D, advantages: tf.Tensor2D, low: number, high: number, unclipped = ratio): tf.Tensor2D {
  const losing = tf.neg(advantages);
  return tf.maximum(tf.mul(losing, unclipped), tf.mul(losing, tf.clipByValue(ratio, low, high)));
}

/**
 * Counts of active tokens that lie beyond a bound on the side where the clip acts (A < 0 below it, A > 0 above it), under
 * TRL's names. TRL counts rows where one ratio serves a whole row; here each of its tokens counts.
 * @param measured [B, C] or [B, 1], what the bounds are for
 */
export function clipMetrics(measured: tf.Tensor2D, low: number, high: number, { advantages, mask }: Pick<PolicyLossInput, "advantages" | "mask">): Record<string, tf.Scalar> {
  const below = countTokens(tf.logicalAnd(tf.less(measured, low), tf.less(advantages, 0)), mask);
  const above = countTokens(tf.logicalAnd(tf.greater(measured, high), tf.greater(advantages, 0)), mask);
  return { "clip_ratio/low_mean": below, "clip_ratio/high_mean": above, "clip_ratio/region_mean": tf.add(below, above) };
}

/** Active tokens for which a condition holds. @param condition [B, C], bool */
export function countTokens(condition: tf.Tensor, mask: tf.Tensor2D): tf.Scalar {
  return sumTokens(tf.cast(condition, "float32") as tf.Tensor2D, mask);
}

/** Σ over active tokens. @param values [B, C], or [B, 1] where one stands for each token of its row */
export function sumTokens(values: tf.Tensor2D, mask: tf.Tensor2D): tf.Scalar {
  return tf.sum(tf.mul(values, mask));
}
