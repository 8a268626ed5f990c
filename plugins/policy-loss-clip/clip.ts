import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { clipMetrics, clippedSurrogate, policyRatio, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  clipLow: z.number().min(0).max(1).default(0.2).describe("the ratio is clipped below at 1 − clipLow"),
  clipHigh: z.number().min(0).default(0.2).describe("the ratio is clipped above at 1 + clipHigh (DAPO: 0.28)"),
  ratioCap: z.number().gt(1).optional().describe("bound on the ratio itself in the unclipped term (TRL delta)"),
  clipDual: z.number().gt(1).optional().describe("bound on the loss of tokens with a negative advantage (verl clip_ratio_c: 3)"),
});

/**
 * PPO's clipped surrogate, −min(ρA, clip(ρ, 1 − low, 1 + high)·A) (Schulman et al. 2017, eq. 7), with separate bounds
 * (Yu et al. 2025, DAPO: clip-higher) and, when asked for, the dual clip: where A < 0 the loss is at most −A·clipDual
 * (Ye et al. 2020; verl `compute_policy_loss_vanilla`, where it is on by default).
 */
@registerPolicyLoss("clip", { options, doc: "PPO's clipped surrogate with separate bounds and optional dual clip" })
export class ClipLoss implements PolicyLoss {
  readonly #low: number;
  readonly #high: number;
  readonly #cap: number | undefined;
  readonly #dual: number | undefined;

  constructor(@inject(OPTIONS) { clipLow, clipHigh, ratioCap, clipDual }: z.infer<typeof options>) {
    this.#low = 1 - clipLow;
    this.#high = 1 + clipHigh;
    this.#cap = ratioCap;
    this.#dual = clipDual;
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages }: PolicyLossInput): tf.Tensor2D {
    const ratio = policyRatio(logProbs, oldLogProbs); // [B, C]
    const capped: tf.Tensor2D = this.#cap === undefined ? ratio : tf.minimum(ratio, this.#cap);
    const clipped = clippedSurrogate(ratio, advantages, this.#low, this.#high, capped);
    if (this.#dual === undefined) return clipped;
    // For A ≥ 0 the bound −A·dual lies below the loss, so it is replaced by +∞'s stand-in: the loss itself stays.
    const bound = tf.add(tf.mul(advantages, -this.#dual), tf.mul(tf.cast(tf.greaterEqual(advantages, 0), "float32"), 1e9));
    return tf.minimum(clipped, bound);
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    const ratio = policyRatio(input.logProbs, input.oldLogProbs);
    return { ratio: sumTokens(ratio, input.mask), ...clipMetrics(ratio, this.#low, this.#high, input) };
  }
}
