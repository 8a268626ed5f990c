import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { countTokens, policyRatio, sumTokens } from "@verlet/rl";
import { weightedPolicyGradient } from "./weighted.js";

const options = z.strictObject({
  clipLow: z.number().min(0).default(1).describe("the weight is at least 1 − clipLow; from 1 on there is no lower bound"),
  clipHigh: z.number().min(0).default(4).describe("the weight is at most 1 + clipHigh (TRL's epsilon_high is this bound itself)"),
});

/**
 * CISPO (MiniMax 2025): −A·sg(clip(ρ, 1 − low, 1 + high))·log p. The clip bounds a token's weight and never takes its
 * gradient away. The paper and TRL have an upper bound only, as the default here; verl (`compute_policy_loss_cispo`) reads
 * both bounds. `clip_ratio/…` counts clipped tokens whatever their advantage, `cispo_clip_ratio` is TRL's (A > 0, upper bound).
 */
@registerPolicyLoss("cispo", { options, doc: "CISPO: the policy gradient weighted by the clipped ratio, which carries no gradient itself" })
export class CispoLoss implements PolicyLoss {
  readonly #low: number;
  readonly #high: number;

  constructor(@inject(OPTIONS) { clipLow, clipHigh }: z.infer<typeof options>) {
    this.#low = 1 - clipLow;
    this.#high = 1 + clipHigh;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    return weightedPolicyGradient(() => tf.clipByValue(policyRatio(input.logProbs, input.oldLogProbs), this.#low, this.#high), input);
  }

  tokenMetrics({ logProbs, oldLogProbs, advantages, mask }: PolicyLossInput): Record<string, tf.Scalar> {
    const ratio = policyRatio(logProbs, oldLogProbs);
    const above = tf.greater(ratio, this.#high);
    const [low, high] = [countTokens(tf.less(ratio, this.#low), mask), countTokens(above, mask)];
    return {
      ratio: sumTokens(ratio, mask),
      "clip_ratio/low_mean": low,
      "clip_ratio/high_mean": high,
      "clip_ratio/region_mean": tf.add(low, high),
      cispo_clip_ratio: countTokens(tf.logicalAnd(above, tf.greater(advantages, 0)), mask),
    };
  }
}
