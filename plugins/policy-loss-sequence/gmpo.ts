import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { clipMetrics, rowMean, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  clipLow: z.number().min(0).default(0.4).describe("each token's log-ratio is clipped below at −clipLow"),
  clipHigh: z.number().min(0).default(0.4).describe("each token's log-ratio is clipped above at clipHigh"),
});

/**
 * GMPO (Zhao et al. 2025): −A·exp(mean over the row of e), the geometric mean of the row's clipped ratios, where
 * e = s·min(s·d, s·clip(d, −low, high)), d = log p − log p_old and s is the advantage's sign: bounds on the log-ratio of each
 * token. A is the row's mean advantage. Every token of a row carries the row's loss, so seq-mean-token-mean, the default, is
 * the mean over all rows that verl's `compute_policy_loss_geo_mean` takes whatever aggregation is asked for.
 */
@registerPolicyLoss("gmpo", {
  options,
  defaults: { loss: { aggregation: "seq-mean-token-mean" } },
  doc: "GMPO: the geometric mean of a completion's ratios, each clipped (verl: geo_mean)",
})
export class GmpoLoss implements PolicyLoss {
  readonly #low: number;
  readonly #high: number;

  constructor(@inject(OPTIONS) { clipLow, clipHigh }: z.infer<typeof options>) {
    this.#low = -clipLow;
    this.#high = clipHigh;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    const { advantages, mask } = input;
    return tf.mul(this.#ratio(input), tf.mul(tf.neg(rowMean(advantages, mask)), tf.onesLike(mask)));
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    const { logProbs, oldLogProbs, mask } = input;
    return {
      ratio: sumTokens(this.#ratio(input), mask),
      ...clipMetrics(tf.sub(logProbs, oldLogProbs), this.#low, this.#high, input),
    };
  }

  /** The geometric mean of the row's clipped ratios, [B, 1]. */
  #ratio({ logProbs, oldLogProbs, advantages, mask }: PolicyLossInput): tf.Tensor2D {
    const sign = tf.sign(advantages);
    const difference = tf.sub(logProbs, oldLogProbs);
    const clipped = tf.mul(sign, tf.minimum(tf.mul(sign, difference), tf.mul(sign, tf.clipByValue(difference, this.#low, this.#high)))); // [B, C]
    return tf.exp(rowMean(clipped as tf.Tensor2D, mask)) as tf.Tensor2D;
  }
}
