import { gradientsOf, scatterTo, scope, tf } from "@verlet/backend";
import type { Companion, Critic, LossSection, Metrics, PolicyBatch, Rng, Run } from "@verlet/core";
import { aggregate, countTotals, meanOf, microBatches, sampleStd, stopGradient, writeRows, type MicroBatch, type PackedRollouts } from "@verlet/rl";
import { clippedValues, valueLoss, type ValueLossInput } from "./value-loss.js";

export interface ValueStepOptions extends Pick<LossSection, "aggregation"> {
  /** 0 = off. */
  clipValue: number;
  microBatchSize: number;
  /** The longest possible completion, for `seq-mean-token-sum-norm`. */
  maxTokens: number;
  dropout?: Rng;
}

/** V of a slice's active tokens, 0 elsewhere; [B, C], differentiable. */
function completionValues(critic: Critic, { tokens, selection, source, width }: MicroBatch, dropout?: Rng): tf.Tensor2D {
  return scatterTo(critic.values(tokens, selection, dropout && { dropout }), source, [tokens.rows, width]);
}

/** V of every completion token, [B, C], without gradient. */
export function batchValues(critic: Critic, packed: PackedRollouts, microBatchSize: number): Float32Array {
  const batch: PolicyBatch = { ...packed, mask: packed.completionMask, advantages: new Float32Array(packed.mask.length) };
  const values = new Float32Array(batch.mask.length);
  for (const micro of microBatches(batch, microBatchSize)) {
    scope(() => writeRows(values, batch, micro, completionValues(critic, micro).dataSync()));
  }
  return values;
}

/**
 * Gradient of the value loss over one batch with its `values` and `returns`, aggregated as the policy's loss is and
 * normalised by the whole batch's counts.
 * @returns gradients in the order of `critic.trainable`, which the caller disposes of
 */
export function valueGradients(critic: Critic, batch: PolicyBatch, { clipValue, aggregation, microBatchSize, maxTokens, dropout }: ValueStepOptions): { gradients: tf.Tensor[]; metrics: Metrics } {
  const totals = countTotals(batch, maxTokens);
  const variables = critic.trainable.map(({ variable }) => variable);
  let gradients: tf.Tensor[] | undefined;
  let loss = 0;
  let clipped = 0;
  let sum = 0;
  for (const micro of microBatches(batch, microBatchSize)) {
    let seen!: tf.Tensor2D;
    const fixed = (values: tf.Tensor2D): ValueLossInput => ({ values, oldValues: tf.tensor2d(micro.values!, values.shape), returns: tf.tensor2d(micro.returns!, values.shape) });
    const part = gradientsOf(() => {
      const values = completionValues(critic, micro, dropout); // [B, C]
      seen = tf.keep(stopGradient(values));
      return aggregate(valueLoss(fixed(values), clipValue), tf.tensor2d(micro.mask, values.shape), aggregation, totals);
    }, variables, gradients);
    loss += part.value.dataSync()[0]!;
    clipped += scope(() => tf.sum(tf.mul(clippedValues(fixed(seen), clipValue), tf.tensor2d(micro.mask, seen.shape))).dataSync()[0]!);
    sum += scope(() => tf.sum(seen).dataSync()[0]!);
    tf.dispose([part.value, seen]);
    gradients = part.gradients;
  }
  return {
    gradients: gradients ?? variables.map((variable) => tf.zerosLike(variable)),
    metrics: { vf_loss: loss, vf_clipfrac: clipped / totals.tokens, vpred_mean: sum / totals.tokens },
  };
}

/** One optimizer step of the critic on a prepared batch. @returns metrics named as verl names them */
export function updateCritic(run: Pick<Run, "config" | "rng">, { model, optimizer }: Companion<Critic>, batch: PolicyBatch, clipValue: number): Metrics {
  const { loss, trainer, rollout } = run.config;
  const { gradients, metrics } = valueGradients(model, batch, {
    clipValue,
    aggregation: loss.aggregation,
    microBatchSize: trainer.microBatchSize,
    maxTokens: rollout.maxNewTokens,
    dropout: run.rng("critic/dropout"),
  });
  const { grad_norm, learning_rate } = optimizer.step(gradients);
  tf.dispose(gradients);
  return named({ ...metrics, grad_norm: grad_norm!, lr: learning_rate! });
}

/** Where the critic stood before its updates on a batch: how much of the returns' variance it explains (1 = all, 0 = none). */
export function valueMetrics({ values, returns, mask }: PolicyBatch): Metrics {
  const active = (numbers: Float32Array): number[] => [...numbers].filter((_, i) => mask[i]);
  const [v, r] = [active(values!), active(returns!)];
  if (v.length === 0) return {};
  const spread = (name: string, numbers: readonly number[]): Metrics => ({
    [`${name}/mean`]: meanOf(numbers),
    [`${name}/max`]: numbers.reduce((a, b) => Math.max(a, b)),
    [`${name}/min`]: numbers.reduce((a, b) => Math.min(a, b)),
  });
  const unexplained = sampleStd(r.map((value, i) => value - v[i]!)) ** 2;
  return named({ ...spread("values", v), ...spread("returns", r), ...(v.length > 1 && { vf_explained_var: 1 - unexplained / (sampleStd(r) ** 2 + 1e-5) }) });
}

const named = (metrics: Metrics): Metrics => Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`critic/${name}`, value]));
