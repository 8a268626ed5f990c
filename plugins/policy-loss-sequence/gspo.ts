import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, z, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { clipMetrics, clippedSurrogate, rowMean, stopGradient, sumTokens } from "@verlet/rl";

const options = z.strictObject({
  clipLow: z.number().min(0).max(1).default(3e-4).describe("the row's ratio is clipped below at 1 − clipLow"),
  clipHigh: z.number().min(0).default(4e-4).describe("the row's ratio is clipped above at 1 + clipHigh"),
});

/** Bound on the exponent, as in verl. */
const MAX_EXPONENT = 10;

/**
 * GSPO (Zheng et al. 2025): the clipped surrogate with one ratio a row, s = exp(mean over the row of log p − log p_old),
 * in the token form of its eq. 14: s is a plain number and log p − sg(log p) carries each token's gradient, so that
 * advantages may differ within a row. Where they do not, it is the row form, and TRL's `importance_sampling_level: sequence`.
 * Averaged by seq-mean-token-mean, which verl's `compute_policy_loss_gspo` forces; here that is the default and others may
 * be asked for (seq-mean-token-sum: TRL's luspo).
 */
@registerPolicyLoss("gspo", {
  options,
  defaults: { loss: { aggregation: "seq-mean-token-mean" } },
  doc: "GSPO: the clipped surrogate with one ratio a completion, the geometric mean of its tokens' ratios",
})
export class GspoLoss implements PolicyLoss {
  readonly #low: number;
  readonly #high: number;

  constructor(@inject(OPTIONS) { clipLow, clipHigh }: z.infer<typeof options>) {
    this.#low = 1 - clipLow;
    this.#high = 1 + clipHigh;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    return clippedSurrogate(sequenceRatio(input), input.advantages, this.#low, this.#high);
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    const ratio = sequenceRatio(input);
    return { ratio: sumTokens(ratio, input.mask), ...clipMetrics(ratio, this.#low, this.#high, input) };
  }
}

/** The row's ratio at each token, [B, C]. */
function sequenceRatio({ logProbs, oldLogProbs, mask }: PolicyLossInput): tf.Tensor2D {
  const plain = stopGradient(logProbs);
  const exponent = tf.add(tf.sub(logProbs, plain), rowMean(tf.sub(plain, oldLogProbs), mask)); // [B, C]
  return tf.exp(tf.minimum(exponent, MAX_EXPONENT)) as tf.Tensor2D;
}
