import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput, type WholeBatch } from "@verlet/core";
import { clipMetrics, clippedSurrogate, policyRatio, sumTokens } from "@verlet/rl";
import { activeTokens, countOf, marksAt, tokenCovariances } from "./covariance.js";

const options = z
  .strictObject({
    clipLow: z.number().min(0).max(1).default(0.2).describe("the ratio is clipped below at 1 − clipLow"),
    clipHigh: z.number().min(0).default(0.2).describe("the ratio is clipped above at 1 + clipHigh"),
    share: z.number().gt(0).max(1).default(2e-4).describe("share of the update's tokens that are left out, at least one token"),
    covLow: z.number().default(1).describe("only tokens whose covariance is above this are left out"),
    covHigh: z.number().default(5).describe("only tokens whose covariance is below this are left out"),
  })
  .refine(({ covLow, covHigh }) => covLow < covHigh, { path: ["covHigh"], message: "above covLow" });

/**
 * Clip-Cov (Cui et al. 2025): PPO's clipped surrogate, with loss 0 on tokens drawn at random among those whose covariance of
 * advantage and log-prob lies strictly between two bounds and that the clip leaves as they are. verl
 * (`compute_policy_loss_clip_cov`) draws within each micro-batch; here the draw is over the whole update. The ratio's exponent is
 * clamped to ±20, verl's is not.
 */
@registerPolicyLoss("clip_cov", { options, doc: "Clip-Cov: the clipped surrogate without a few tokens of high covariance, against the loss of entropy" })
export class ClipCovLoss implements PolicyLoss {
  readonly #options: z.infer<typeof options>;
  readonly #low: number;
  readonly #high: number;

  constructor(@inject(OPTIONS) given: z.infer<typeof options>) {
    this.#options = given;
    this.#low = 1 - given.clipLow;
    this.#high = 1 + given.clipHigh;
  }

  /** 1 at the tokens that are left out. */
  mark(whole: WholeBatch): Float32Array {
    const { share, covLow, covHigh } = this.#options;
    const covariances = tokenCovariances(whole);
    const candidates = activeTokens(whole).filter((i) => covariances[i]! > covLow && covariances[i]! < covHigh && !this.#isClipped(whole, i));
    return marksAt(whole.rng.shuffle(candidates).slice(0, countOf(share, whole)), whole);
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages, marks }: PolicyLossInput): tf.Tensor2D {
    const surrogate = clippedSurrogate(policyRatio(logProbs, oldLogProbs), advantages, this.#low, this.#high);
    return tf.mul(surrogate, tf.sub(1, marks!));
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    const ratio = policyRatio(input.logProbs, input.oldLogProbs);
    return {
      ratio: sumTokens(ratio, input.mask),
      ...clipMetrics(ratio, this.#low, this.#high, input),
      "clip_cov/left_out_mean": sumTokens(input.marks!, input.mask),
    };
  }

  #isClipped({ logProbs, oldLogProbs, advantages }: WholeBatch, i: number): boolean {
    const ratio = Math.exp(logProbs[i]! - oldLogProbs[i]!);
    return (ratio > this.#high && advantages[i]! > 0) || (ratio < this.#low && advantages[i]! < 0);
  }
}
