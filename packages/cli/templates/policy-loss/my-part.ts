// A YAML beside this file takes it by
//
//   plugins: [./my-part.ts]
//   loss: { name: my-part, cap: 2, aggregation: token-mean }

import { policyRatio, registerPolicyLoss, tf, z, type PolicyLoss, type PolicyLossInput } from "verlet";

const options = z.strictObject({
  cap: z.number().gt(0).default(2).describe("a ratio above this counts as this"),
});

/**
 * −min(ρ, cap)·A of each token, ρ = p / p_old: the policy gradient of tokens sampled by an older policy, which bounds what
 * one token can count. Averaging, KL and entropy are added outside, the same for every loss.
 */
@registerPolicyLoss("my-part", { options, doc: "policy gradient with the importance ratio cut off above" })
export class MyPartLoss implements PolicyLoss {
  readonly #cap: number;

  constructor({ cap }: z.infer<typeof options>) {
    this.#cap = cap;
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages }: PolicyLossInput): tf.Tensor2D {
    const ratio = policyRatio(logProbs, oldLogProbs); // [B, C]
    return tf.mul(tf.neg(advantages), tf.minimum(ratio, this.#cap));
  }

  /** Sums over active tokens; a run logs them divided by the number of tokens. */
  tokenMetrics({ logProbs, oldLogProbs, mask }: PolicyLossInput): Record<string, tf.Scalar> {
    const capped = tf.cast(tf.greater(policyRatio(logProbs, oldLogProbs), this.#cap), "float32"); // [B, C]
    return { "ratio/capped": tf.sum(tf.mul(capped, mask)) };
  }
}
