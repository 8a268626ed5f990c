/** Policy losses on given log-probs, as fixtures have them. */
import { scope, tf } from "@verlet/backend";
import { Rng, type AggregationMode, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { aggregate, stopGradient, type BatchTotals } from "@verlet/rl";
import { valueAndGradient } from "./tensors.js";

/** Rows of numbers, [B, C]. */
export type Matrix = number[][];

export interface LossRows {
  logProbs: Matrix;
  /** Absent: the policy itself, with ratio 1. */
  oldLogProbs?: Matrix;
  advantages: Matrix;
  mask: Matrix;
}

export interface Evaluated {
  loss: number;
  /** With respect to the log-probs, [B·C]. */
  gradient: number[];
  /** Sums over the mask's tokens. */
  metrics: Record<string, number>;
}

/** A term added to each token's loss, [B, C]. */
type Extra = (input: PolicyLossInput) => tf.Tensor2D;

/** One loss over one batch, with its gradient and metrics. */
export function evaluateLoss(loss: PolicyLoss, rows: LossRows, mode: AggregationMode, totals: BatchTotals, extra?: Extra): Evaluated {
  const { logProbs, oldLogProbs = logProbs, advantages, mask } = rows;
  const flat = (matrix: Matrix): Float32Array => Float32Array.from(matrix.flat());
  const marks = loss.mark?.({
    rows: mask.length, width: mask[0]!.length, logProbs: flat(logProbs), oldLogProbs: flat(oldLogProbs), advantages: flat(advantages), mask: flat(mask), rng: new Rng(0),
  });
  const input = (live: tf.Tensor2D): PolicyLossInput => ({
    logProbs: live,
    oldLogProbs: rows.oldLogProbs ? tf.tensor2d(rows.oldLogProbs) : stopGradient(live),
    advantages: tf.tensor2d(advantages),
    mask: tf.tensor2d(mask),
    ...(marks && { marks: tf.tensor2d(marks, [mask.length, mask[0]!.length]) }),
  });
  const live = tf.tensor2d(logProbs);
  const { value, gradient } = valueAndGradient((x) => {
    const given = input(x as tf.Tensor2D);
    const losses = loss.tokenLoss(given);
    return aggregate(extra ? tf.add(losses, extra(given)) : losses, given.mask, mode, totals);
  }, live);
  const metrics = scope(() =>
    Object.fromEntries(Object.entries(loss.tokenMetrics?.(input(live)) ?? {}).map(([name, sum]) => [name, sum.dataSync()[0]!])),
  );
  live.dispose();
  return { loss: value, gradient, metrics };
}

export const sumOf = (matrix: Matrix): number => matrix.flat().reduce((a, b) => a + b, 0);
export const largestOf = (matrix: Matrix): number => Math.max(...matrix.flat().map(Math.abs));
