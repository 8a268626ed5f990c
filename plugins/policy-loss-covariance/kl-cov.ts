import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput, type WholeBatch } from "@verlet/core";
import { klPenalty, policyRatio, sumTokens } from "@verlet/rl";
import { activeTokens, countOf, marksAt, tokenCovariances } from "./covariance.js";

const options = z.strictObject({
  share: z.number().gt(0).max(1).default(2e-4).describe("share of the update's tokens that are penalised, at least one token"),
  penalty: z.number().min(0).default(1).describe("weight of |log p − log p_old| on them"),
});

/**
 * KL-Cov (Cui et al. 2025): −A·ρ without a clip, plus a penalty on |log p − log p_old| at the tokens with the highest covariance
 * of advantage and log-prob. verl (`compute_policy_loss_kl_cov`) takes the highest of each micro-batch; here they are the highest
 * of the whole update. The ratio's exponent is clamped to ±20, verl's is not.
 */
@registerPolicyLoss("kl_cov", { options, doc: "KL-Cov: the unclipped surrogate with a KL penalty on the tokens of highest covariance, against the loss of entropy" })
export class KlCovLoss implements PolicyLoss {
  readonly #share: number;
  readonly #penalty: number;

  constructor(@inject(OPTIONS) { share, penalty }: z.infer<typeof options>) {
    this.#share = share;
    this.#penalty = penalty;
  }

  /** 1 at the tokens that are penalised. */
  mark(whole: WholeBatch): Float32Array {
    const covariances = tokenCovariances(whole);
    const ranked = activeTokens(whole).sort((a, b) => covariances[b]! - covariances[a]!);
    return marksAt(ranked.slice(0, countOf(this.#share, whole)), whole);
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages, marks }: PolicyLossInput): tf.Tensor2D {
    const surrogate = tf.mul(tf.neg(advantages), policyRatio(logProbs, oldLogProbs));
    return tf.add(surrogate, tf.mul(tf.mul(klPenalty(logProbs, oldLogProbs, "abs"), marks!), this.#penalty));
  }

  tokenMetrics({ logProbs, oldLogProbs, mask, marks }: PolicyLossInput): Record<string, tf.Scalar> {
    return { ratio: sumTokens(policyRatio(logProbs, oldLogProbs), mask), "kl_cov/penalised_mean": sumTokens(marks!, mask) };
  }
}
