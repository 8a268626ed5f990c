import type * as tf from "@tensorflow/tfjs";
import type { Rng } from "../rng.js";
import type { Metrics } from "./values.js";

/** The same record for every estimator; each ignores what it does not need. */
export interface AdvantageInput {
  /** [B], the row's score; NaN where it could not be scored (such a row gets advantage 0 and stays out of its group's statistics). */
  scores: Float32Array;
  /** [B, C], scores placed on tokens: an outcome score sits on the row's last token. */
  tokenRewards: tf.Tensor2D;
  /** [B, C] */
  mask: tf.Tensor2D;
  /** [B], rows with the same number belong to one prompt. */
  groups: Int32Array;
  /** [B, C], from a critic. */
  values?: tf.Tensor2D;
  /** [B], score of the greedy completion of each row's prompt; NaN where it could not be scored. */
  greedyScores?: Float32Array;
  /** Each reward's own scores, in the order of the YAML. */
  rewardScores?: readonly RewardScores[];
  /** [B, C], the policy's log-probs before the update. */
  oldLogProbs?: tf.Tensor2D;
  /** [B, C], Σ over the vocabulary of p², the policy's distribution where each token was drawn. */
  sumPiSquared?: tf.Tensor2D;
  /** [B, C], p / p_sampled: 1 but for rounding where the loss sees the distribution that was sampled from. */
  importanceWeights?: tf.Tensor2D;
}

/** One reward's part of a batch. */
export interface RewardScores {
  name: string;
  weight: number;
  /** [B], before the weight; NaN where it could not be computed. */
  scores: Float32Array;
}

export interface AdvantageOutput {
  /** [B, C], 0 where the mask is 0. */
  advantages: tf.Tensor2D;
  /** [B, C] */
  returns: tf.Tensor2D;
  metrics?: Metrics;
}

export interface Advantage {
  compute(input: AdvantageInput): AdvantageOutput;
}

export interface PolicyLossInput {
  /** [B, C], differentiable. */
  logProbs: tf.Tensor2D;
  /** [B, C] */
  oldLogProbs: tf.Tensor2D;
  /** [B, C] */
  advantages: tf.Tensor2D;
  /** [B, C] */
  mask: tf.Tensor2D;
  /** [B, C], what the loss's own `mark` returned for these rows. */
  marks?: tf.Tensor2D;
}

/** All rows of one update, on the host; arrays are [B, C] in row order. */
export interface WholeBatch {
  rows: number;
  /** C */
  width: number;
  /** The policy's log-probs as it stands before this update. */
  logProbs: Float32Array;
  oldLogProbs: Float32Array;
  advantages: Float32Array;
  mask: Float32Array;
  /** The run's stream for random choices in losses. */
  rng: Rng;
}

/** The per-token surrogate loss. Averaging, KL and entropy are added by the trainer, the same for every loss. */
export interface PolicyLoss {
  /** [B, C], to be minimised. */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D;
  /**
   * For losses that pick tokens by comparing over the batch: a number for each token, [B, C], which reaches `tokenLoss`
   * as `marks`. It sees the whole batch of an update, so the choice does not depend on how that is cut into
   * micro-batches. Costs one more forward pass.
   */
  mark?(whole: WholeBatch): Float32Array;
  /** Sums over the micro-batch's active tokens, by metric name; the trainer divides by the token count. */
  tokenMetrics?(input: PolicyLossInput): Record<string, tf.Scalar>;
}
