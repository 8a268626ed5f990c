import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { policyRatio, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  beta: z.number().gt(0).default(0.1).describe("weight of the squared log-ratio"),
});

/**
 * DRO (Richemond et al. 2024) as verl has it (`compute_policy_loss_dro`): −(A·log p − β/2·(log p − log p_old)²). The square holds
 * the policy near the one that sampled, without a ratio or a clip.
 */
@registerPolicyLoss("dro", { options, doc: "DRO: the policy gradient with a squared penalty on the log-ratio" })
export class DroLoss implements PolicyLoss {
  readonly #beta: number;

  constructor(@inject(OPTIONS) { beta }: z.infer<typeof options>) {
    this.#beta = beta;
  }

  /** [B, C] */
  tokenLoss({ logProbs, oldLogProbs, advantages }: PolicyLossInput): tf.Tensor2D {
    const penalty = tf.mul(tf.square(tf.sub(logProbs, oldLogProbs)), this.#beta / 2);
    return tf.sub(penalty, tf.mul(advantages, logProbs));
  }

  tokenMetrics({ logProbs, oldLogProbs, mask }: PolicyLossInput): Record<string, tf.Scalar> {
    return { ratio: sumTokens(policyRatio(logProbs, oldLogProbs), mask) };
  }
}
