import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { policyRatio, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  tauPositive: z.number().gt(0).default(1).describe("how fast the gate closes around ratio 1, where A > 0; higher is faster"),
  tauNegative: z.number().gt(0).default(1.05).describe("the same where A ≤ 0"),
});

/**
 * SAPO (Gao et al. 2025): −A·(4/τ)·σ(τ·(ρ − 1)), a gate that closes smoothly where the clip has a corner; its slope at ratio 1
 * is that of the plain surrogate. Averaged by seq-mean-token-mean, which verl's `compute_policy_loss_sapo` forces and TRL takes;
 * here that is the default.
 */
@registerPolicyLoss("sapo", {
  options,
  defaults: { loss: { aggregation: "seq-mean-token-mean" } },
  doc: "SAPO: a smooth gate on the ratio in place of the clip",
})
export class SapoLoss implements PolicyLoss {
  readonly #pos: number;
  readonly #neg: number;

  constructor(@inject(OPTIONS) { tauPositive, tauNegative }: z.infer<typeof options>) {
    this.#pos = tauPositive;
    this.#neg = tauNegative;
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages }: PolicyLossInput): tf.Tensor2D {
    const beyond = tf.sub(policyRatio(logProbs, oldLogProbs), 1); // [B, C]
    const positive = tf.cast(tf.greater(advantages, 0), "float32");
    const tau = tf.add(tf.mul(positive, this.#pos - this.#neg), this.#neg);
    return tf.mul(tf.neg(advantages), tf.mul(tf.div(4, tau), tf.sigmoid(tf.mul(tau, beyond))));
  }

  tokenMetrics({ logProbs, oldLogProbs, mask }: PolicyLossInput): Record<string, tf.Scalar> {
    return { ratio: sumTokens(policyRatio(logProbs, oldLogProbs), mask) };
  }
}
