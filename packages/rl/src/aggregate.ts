import { tf } from "@verlet/backend";
import type { AggregationMode, PolicyBatch } from "@verlet/core";

/** Counts over the whole optimizer step, so that a batch cut into micro-batches sums to the same loss. */
export interface BatchTotals {
  /** Active tokens (mask 1). */
  tokens: number;
  /** Rows of the batch, those that are masked out included (as verl and TRL count them in training). */
  rows: number;
  /** Divisor of `seq-mean-token-sum-norm`: the longest possible completion, a constant of the run. */
  maxTokens: number;
}

/** The counts of one batch; at least one token, so that a batch without any has loss 0. */
export function countTotals({ mask, tokens }: Pick<PolicyBatch, "mask" | "tokens">, maxTokens: number): BatchTotals {
  return { tokens: Math.max(1, mask.reduce((a, b) => a + b, 0)), rows: tokens.rows, maxTokens };
}

type Aggregate = (masked: tf.Tensor2D, mask: tf.Tensor2D, totals: BatchTotals) => tf.Scalar;

const sumOver = (masked: tf.Tensor2D, divisor: number): tf.Scalar => tf.div(tf.sum(masked), divisor);

/**
 * verl's `agg_loss` (verl/trainer/ppo/core_algos.py) with the batch's own counts. Differs from verl in one place:
 * `seq-mean-token-sum-norm` divides by the run's completion limit, where verl takes the batch's padded width, which changes
 * from batch to batch.
 */
const aggregates: Readonly<Record<AggregationMode, Aggregate>> = {
  "token-mean": (masked, _, { tokens }) => sumOver(masked, tokens),
  "token-sum": (masked) => tf.sum(masked),
  "seq-mean-token-sum": (masked, _, { rows }) => sumOver(masked, rows),
  "seq-mean-token-sum-norm": (masked, _, { rows, maxTokens }) => sumOver(masked, rows * maxTokens),
  "seq-mean-token-mean": (masked, mask, { rows }) =>
    tf.div(tf.sum(tf.div(tf.sum(masked, 1), tf.add(tf.sum(mask, 1), 1e-8))), rows),
};

export const aggregationModes = Object.keys(aggregates) as AggregationMode[];

/**
 * Turns per-token losses into a scalar; the micro-batches of one step add up to the step's loss.
 * @param losses [B, C] · @param mask [B, C]
 */
export function aggregate(losses: tf.Tensor2D, mask: tf.Tensor2D, mode: AggregationMode, totals: BatchTotals): tf.Scalar {
  return aggregates[mode](tf.mul(losses, mask), mask, totals);
}
