import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { sumTokens } from "@verlet/rl";
import { weightedPolicyGradient } from "./weighted.js";

const options = z.strictObject({
  kPositive: z.number().min(0).default(2).describe("power of the completion's ratio, where A ≥ 0"),
  lambdaPositive: z.number().min(0).default(3).describe("decay with the completion's ratio, where A ≥ 0"),
  kNegative: z.number().min(0).default(3).describe("power of the completion's ratio, where A < 0"),
  lambdaNegative: z.number().min(0).default(2).describe("decay with the completion's ratio, where A < 0"),
});

/** Smallest ratio of a completion that is told apart, as in TRL. */
const LEAST_RATIO = 1e-8;

/**
 * VESPO as TRL has it: −A·sg(φ)·log p with φ = w^k·exp(λ·(1 − w)), w = p(completion) / p_old(completion), log w held within
 * [log 1e-8, 20]. φ is 1 where the policy has not moved. k and λ go by the advantage's sign.
 */
@registerPolicyLoss("vespo", { options, doc: "VESPO: the policy gradient weighted by a smooth function of the completion's ratio" })
export class VespoLoss implements PolicyLoss {
  readonly #options: z.infer<typeof options>;

  constructor(@inject(OPTIONS) given: z.infer<typeof options>) {
    this.#options = given;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    return weightedPolicyGradient(() => this.#weight(input), input);
  }

  /** TRL's `vespo/phi_seq_mean` is a mean over rows; this one is over tokens. */
  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    return { "vespo/phi_mean": sumTokens(this.#weight(input), input.mask) };
  }

  /** φ at each token, [B, C]. */
  #weight({ logProbs, oldLogProbs, advantages, mask }: PolicyLossInput): tf.Tensor2D {
    const { kPositive, lambdaPositive, kNegative, lambdaNegative } = this.#options;
    const differences = tf.clipByValue(tf.sub(logProbs, oldLogProbs), -20, 20);
    const logRatio = tf.clipByValue(tf.sum(tf.mul(differences, mask), 1, true), Math.log(LEAST_RATIO), 20); // [B, 1]
    const ratio = tf.exp(logRatio);
    const weight = (k: number, lambda: number): tf.Tensor => tf.exp(tf.add(tf.mul(logRatio, k), tf.mul(tf.sub(1, ratio), lambda))); // [B, 1]
    const spread = tf.onesLike(mask);
    return tf.where(tf.greaterEqual(advantages, 0), tf.mul(weight(kPositive, lambdaPositive), spread), tf.mul(weight(kNegative, lambdaNegative), spread)) as tf.Tensor2D;
  }
}
