import { addGradients, gradientsOf, scope, tf } from "@verlet/backend";
import type { LossSection, Metrics, Policy, PolicyBatch, PolicyLoss, PolicyLossInput, Rng } from "@verlet/core";
import { aggregate, type BatchTotals } from "./aggregate.js";
import { klPenalty, stopGradient } from "./kl.js";
import { policyRatio } from "./policy-ratio.js";
import { completionLogProbs, microBatches, writeRows, type MicroBatch } from "./micro-batches.js";

export interface PolicyStepOptions {
  loss: Pick<LossSection, "aggregation" | "klCoef" | "klEstimator" | "klBiasCorrection">;
  /** The rollout's: log-probs in the loss are of the distribution that was sampled from. */
  temperature: number;
  microBatchSize: number;
  /** The longest possible completion, for `seq-mean-token-sum-norm`. */
  maxTokens: number;
  dropout?: Rng;
}

export interface PolicyGradients {
  /** Summed over micro-batches, in the order of `policy.trainable`; the caller disposes of them. */
  gradients: tf.Tensor[];
  metrics: Metrics;
  /** [B, C], this policy's log-probs: the old ones for further updates on the same batch. */
  logProbs: Float32Array;
}

/**
 * Gradient of the policy objective over one batch: aggregate(policyLoss + klCoef · KL(policy ‖ reference)).
 * Normalised by the whole batch's counts, so the cut into micro-batches does not change it. Where the batch has no old
 * log-probs yet this policy is the one that sampled it, and the ratio is exactly 1.
 */
export function policyGradients(policy: Policy, policyLoss: PolicyLoss, batch: PolicyBatch, options: PolicyStepOptions): PolicyGradients {
  const totals = countTotals(batch, options.maxTokens);
  const variables = policy.trainable.map(({ variable }) => variable);
  const sums = new MetricSums();
  const logProbs = new Float32Array(batch.mask.length);
  let gradients: tf.Tensor[] | undefined;
  for (const micro of microBatches(batch, options.microBatchSize)) {
    let seen!: { input: PolicyLossInput; ref?: tf.Tensor2D; entropy: tf.Tensor1D };
    const result = gradientsOf(() => {
      const { logProbs: live, entropy } = completionLogProbs(policy, micro, { temperature: options.temperature, entropy: true, ...(options.dropout && { dropout: options.dropout }) });
      const input = lossInput(live, micro);
      const ref = hostTensor(micro.refLogProbs, live.shape);
      seen = { input: { ...input, logProbs: stopGradient(live) }, ...(ref && { ref }), entropy: entropy! };
      for (const tensor of [...Object.values(seen.input as object), ref, entropy]) if (tensor) tf.keep(tensor as tf.Tensor);
      const surrogate = policyLoss.tokenLoss(input); // [B, C]
      const perToken = ref ? tf.add<tf.Tensor2D>(surrogate, tf.mul(klTerm(input, ref, options.loss), options.loss.klCoef)) : surrogate;
      return aggregate(perToken, input.mask, options.loss.aggregation, totals);
    }, variables);
    sums.add(scope(() => microMetrics(result.value, policyLoss, seen, micro, options)));
    writeRows(logProbs, batch, micro, seen.input.logProbs.dataSync());
    tf.dispose([result.value, seen.input as unknown as tf.TensorContainerObject, seen.ref ?? null, seen.entropy] as tf.TensorContainer);
    gradients = addGradients(gradients, result.gradients);
  }
  return { gradients: gradients ?? variables.map((v) => tf.zerosLike(v)), metrics: sums.metrics(totals.tokens), logProbs };
}

/** Log-probs of a frozen model over the whole batch, [B, C]. */
export function batchLogProbs(model: Pick<Policy, "logProbs">, batch: PolicyBatch, options: { temperature: number; microBatchSize: number }): Float32Array {
  const all = new Float32Array(batch.mask.length);
  for (const micro of microBatches(batch, options.microBatchSize)) {
    const values = tf.tidy(() => completionLogProbs(model, micro, options).logProbs.dataSync());
    writeRows(all, batch, micro, values);
  }
  return all;
}

function lossInput(live: tf.Tensor2D, micro: MicroBatch): PolicyLossInput {
  const { shape } = live;
  return {
    logProbs: live,
    oldLogProbs: hostTensor(micro.oldLogProbs, shape) ?? stopGradient(live),
    advantages: tf.tensor2d(micro.advantages, shape),
    mask: tf.tensor2d(micro.mask, shape),
  };
}

/** KL(policy ‖ reference) a token, [B, C]. */
function klTerm({ logProbs, oldLogProbs }: PolicyLossInput, ref: tf.Tensor2D, { klEstimator, klBiasCorrection }: PolicyStepOptions["loss"]): tf.Tensor2D {
  const kl = klPenalty(logProbs, ref, klEstimator);
  return klBiasCorrection ? tf.mul(kl, policyRatio(logProbs, oldLogProbs)) : kl;
}

const hostTensor = (values: Float32Array | undefined, shape: [number, number]): tf.Tensor2D | undefined => values && tf.tensor2d(values, shape);

function countTotals(batch: PolicyBatch, maxTokens: number): BatchTotals {
  return { tokens: Math.max(1, batch.mask.reduce((a, b) => a + b, 0)), rows: batch.tokens.rows, maxTokens };
}

/** Sums over a micro-batch's active tokens; `loss` is already normalised by the whole batch. */
function microMetrics(
  loss: tf.Scalar,
  policyLoss: PolicyLoss,
  { input, ref, entropy }: { input: PolicyLossInput; ref?: tf.Tensor2D; entropy: tf.Tensor1D },
  micro: MicroBatch,
  { loss: { klEstimator } }: PolicyStepOptions,
): { whole: Metrics; perToken: Metrics; largest: Metrics } {
  const read = (x: tf.Tensor): number => x.dataSync()[0]!;
  const drift = tf.mul(tf.sub(input.oldLogProbs, input.logProbs), input.mask);
  const sampler = tf.abs(tf.mul(tf.sub(input.logProbs, tf.tensor2d(micro.sampledLogProbs, input.mask.shape)), input.mask));
  const perToken: Metrics = {
    entropy: read(tf.sum(entropy)),
    approx_kl: read(tf.sum(drift)),
    ...(ref && { kl: read(tf.sum(tf.mul(klPenalty(input.logProbs, ref, klEstimator), input.mask))) }),
    ...(!micro.oldLogProbs && { "sampling/logp_difference_mean": read(tf.sum(sampler)) }),
  };
  for (const [name, sum] of Object.entries(policyLoss.tokenMetrics?.(input) ?? {})) perToken[name] = read(sum);
  const largest: Metrics = micro.oldLogProbs ? {} : { "sampling/logp_difference_max": read(tf.max(sampler)) };
  return { whole: { loss: read(loss) }, perToken, largest };
}

class MetricSums {
  readonly #whole: Metrics = {};
  readonly #perToken: Metrics = {};
  readonly #largest: Metrics = {};

  add({ whole, perToken, largest }: { whole: Metrics; perToken: Metrics; largest: Metrics }): void {
    for (const [name, value] of Object.entries(whole)) this.#whole[name] = (this.#whole[name] ?? 0) + value;
    for (const [name, value] of Object.entries(perToken)) this.#perToken[name] = (this.#perToken[name] ?? 0) + value;
    for (const [name, value] of Object.entries(largest)) this.#largest[name] = Math.max(this.#largest[name] ?? -Infinity, value);
  }

  metrics(tokens: number): Metrics {
    const means = Object.fromEntries(Object.entries(this.#perToken).map(([name, sum]) => [name, sum / tokens]));
    return { ...this.#whole, ...means, ...this.#largest };
  }
}
