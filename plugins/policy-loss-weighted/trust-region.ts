import { tf } from "@verlet/backend";
import { z, type PolicyLossInput } from "@verlet/core";
import { countTokens, policyRatio, sumTokens } from "@verlet/rl";
import { weightedPolicyGradient } from "./weighted.js";

/** @param limit the default of both limits */
export const trustRegionOptions = (limit: number) =>
  z.strictObject({
    limitLow: z.number().min(0).default(limit).describe("largest divergence at which a token is still made less likely"),
    limitHigh: z.number().min(0).default(limit).describe("largest divergence at which a token is still made likelier"),
    ratioCap: z.number().gt(1).default(20).describe("bound on the ratio that weights a token"),
  });
export type TrustRegionOptions = z.infer<ReturnType<typeof trustRegionOptions>>;

/** Log-probs and probabilities of the drawn tokens, [B, C] each. */
export interface Moved {
  logP: tf.Tensor2D;
  logOld: tf.Tensor2D;
  p: tf.Tensor2D;
  old: tf.Tensor2D;
}

/** Which tokens an update may still push in one direction, [B, C] bool. */
export interface TrustRegion {
  likelier(moved: Moved, limit: number): tf.Tensor;
  lessLikely(moved: Moved, limit: number): tf.Tensor;
}

/** −A·min(ρ, cap)·log p, the ratio a plain number, inside the trust region and 0 outside, [B, C]. */
export function trustRegionLoss(input: PolicyLossInput, region: TrustRegion, options: TrustRegionOptions): tf.Tensor2D {
  const weight = (): tf.Tensor2D => {
    const capped = tf.minimum(policyRatio(input.logProbs, input.oldLogProbs), options.ratioCap);
    return tf.mul(capped, tf.cast(insideOf(input, region, options), "float32"));
  };
  return weightedPolicyGradient(weight, input);
}

/** `clip_ratio/…` counts the tokens that are left out. */
export function trustRegionMetrics(input: PolicyLossInput, region: TrustRegion, options: TrustRegionOptions): Record<string, tf.Scalar> {
  const { logProbs, oldLogProbs, advantages, mask } = input;
  const outside = tf.logicalNot(insideOf(input, region, options));
  const likelier = tf.greater(advantages, 0);
  const low = countTokens(tf.logicalAnd(outside, tf.logicalNot(likelier)), mask);
  const high = countTokens(tf.logicalAnd(outside, likelier), mask);
  return { ratio: sumTokens(policyRatio(logProbs, oldLogProbs), mask), "clip_ratio/low_mean": low, "clip_ratio/high_mean": high, "clip_ratio/region_mean": tf.add(low, high) };
}

function insideOf({ logProbs, oldLogProbs, advantages }: PolicyLossInput, region: TrustRegion, { limitLow, limitHigh }: TrustRegionOptions): tf.Tensor {
  const moved: Moved = { logP: logProbs, logOld: oldLogProbs, p: tf.exp(logProbs), old: tf.exp(oldLogProbs) };
  const likelier = tf.greater(advantages, 0);
  const [up, down] = [region.likelier(moved, limitHigh), region.lessLikely(moved, limitLow)];
  return tf.logicalOr(tf.logicalAnd(likelier, up), tf.logicalAnd(tf.logicalNot(likelier), down));
}
