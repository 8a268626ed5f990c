import type * as tf from "@tensorflow/tfjs";
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
  /** [B], score of the greedy completion of each row's prompt. */
  greedyScores?: Float32Array;
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
}

/** The per-token surrogate loss. Averaging, KL and entropy are added by the trainer, the same for every loss. */
export interface PolicyLoss {
  /** [B, C], to be minimised. */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D;
  /** Sums over the micro-batch's active tokens, by metric name; the trainer divides by the token count. */
  tokenMetrics?(input: PolicyLossInput): Record<string, tf.Scalar>;
}
