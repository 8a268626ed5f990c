import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { clipMetrics, clippedSurrogate, rowMean, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  clipLow: z.number().min(0).max(1).default(0.2).describe("the completion's ratio is clipped below at 1 − clipLow"),
  clipHigh: z.number().min(0).default(0.2).describe("the completion's ratio is clipped above at 1 + clipHigh"),
});

/**
 * The clipped surrogate on the ratio of whole completions, p(completion) / p_old(completion) = exp(Σ d), each completion one
 * action with one advantage: the objective of REINFORCE leave-one-out (Ahmadian et al. 2024; TRL's RLOOTrainer). Every token
 * of a row carries the row's loss, so seq-mean-token-mean, the default, is the mean over rows. TRL lets a completion without a
 * token add −A to the loss's value; here it adds 0, and neither has a gradient. The exponent is clamped to ±20 against
 * overflow, which TRL does not do.
 */
@registerPolicyLoss("sequence_clip", {
  options,
  defaults: { loss: { aggregation: "seq-mean-token-mean" } },
  doc: "The clipped surrogate on the probability ratio of whole completions (TRL: RLOO)",
})
export class SequenceClipLoss implements PolicyLoss {
  readonly #low: number;
  readonly #high: number;

  constructor(@inject(OPTIONS) { clipLow, clipHigh }: z.infer<typeof options>) {
    this.#low = 1 - clipLow;
    this.#high = 1 + clipHigh;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    const { advantages, mask } = input;
    const row = clippedSurrogate(completionRatio(input), rowMean(advantages, mask), this.#low, this.#high); // [B, 1]
    return tf.mul(row, tf.onesLike(mask));
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    const ratio = completionRatio(input);
    return { ratio: sumTokens(ratio, input.mask), ...clipMetrics(ratio, this.#low, this.#high, input) };
  }
}

/** [B, 1] */
function completionRatio({ logProbs, oldLogProbs, mask }: PolicyLossInput): tf.Tensor2D {
  const total: tf.Tensor2D = tf.sum(tf.mul(tf.sub(logProbs, oldLogProbs), mask), 1, true);
  return tf.exp(tf.clipByValue(total, -20, 20));
}
