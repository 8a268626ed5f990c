import { gradientsOf, release, replayed, scatterTo, scope, tf } from "@verlet/backend";
import type { LogProbOptions, LossSection, Metrics, Policy, PolicyBatch, PolicyLoss, PolicyLossInput, Rng } from "@verlet/core";
import { aggregate, countTotals } from "./aggregate.js";
import { klPenalty, stopGradient } from "./kl.js";
import { policyRatio } from "./policy-ratio.js";
import { completionLogProbs, microBatches, writeRows, type MicroBatch } from "./micro-batches.js";
import { microMetrics, MetricSums, type SeenMicroBatch } from "./step-metrics.js";

export interface PolicyStepOptions {
  loss: Pick<LossSection, "aggregation" | "klCoef" | "klEstimator" | "klBiasCorrection" | "entropyCoef">;
  /** The rollout's: log-probs in the loss are of the distribution that was sampled from. */
  temperature: number;
  /** Renormalises over what the rollout's filters keep. */
  filter?: LogProbOptions["filter"];
  microBatchSize: number;
  /** The longest possible completion, for `seq-mean-token-sum-norm`. */
  maxTokens: number;
  dropout?: Rng;
  /** For losses that choose at random. */
  rng: Rng;
}

export interface PolicyGradients {
  /** Summed over micro-batches, in the order of `policy.trainable`; the caller disposes of them. */
  gradients: tf.Tensor[];
  metrics: Metrics;
  /** [B, C], this policy's log-probs: the old ones for further updates on the same batch. */
  logProbs: Float32Array;
}

/**
 * Gradient of the policy objective over one batch: aggregate(policyLoss + klCoef · KL(policy ‖ reference) − entropyCoef · H).
 * Normalised by the whole batch's counts, so the cut into micro-batches does not change it. Where the batch has no old
 * log-probs yet this policy is the one that sampled it, and the ratio is exactly 1.
 */
export function policyGradients(policy: Policy, policyLoss: PolicyLoss, batch: PolicyBatch, options: PolicyStepOptions): PolicyGradients {
  const totals = countTotals(batch, options.maxTokens);
  const variables = policy.trainable.map(({ variable }) => variable);
  const { entropyCoef } = options.loss;
  const pass: LogProbOptions = { ...forwardOptions(options), entropy: entropyCoef === 0 ? true : "differentiable", ...(options.dropout && { dropout: options.dropout }) };
  const sums = new MetricSums();
  const logProbs = new Float32Array(batch.mask.length);
  let gradients: tf.Tensor[] | undefined;
  for (const micro of microBatches(withMarks(policy, policyLoss, batch, options), options.microBatchSize)) {
    let seen!: SeenMicroBatch;
    const result = gradientsOf(() => {
      const { logProbs: live, entropy } = completionLogProbs(policy, micro, pass);
      const input = lossInput(live, micro);
      const ref = hostTensor(micro.refLogProbs, live.shape);
      seen = { input: { ...input, logProbs: stopGradient(live) }, ...(ref && { ref }), entropy: entropy! };
      for (const tensor of [...(Object.values(seen.input) as tf.Tensor[]), ref, seen.entropy]) if (tensor) tf.keep(tensor);
      const surrogate = policyLoss.tokenLoss(input); // [B, C]
      const penalised = ref ? tf.add<tf.Tensor2D>(surrogate, tf.mul(klTerm(input, ref, options.loss), options.loss.klCoef)) : surrogate;
      const bonus = entropyCoef === 0 ? undefined : tf.mul<tf.Tensor2D>(scatterTo(entropy!, micro.source, live.shape), entropyCoef); // [B, C]
      return aggregate(bonus ? tf.sub(penalised, bonus) : penalised, input.mask, options.loss.aggregation, totals);
    }, variables, gradients);
    sums.add(scope(() => microMetrics(result.value, policyLoss, seen, micro, options.loss.klEstimator)));
    writeRows(logProbs, batch, micro, seen.input.logProbs.dataSync());
    release(result.value, seen);
    gradients = result.gradients;
  }
  return { gradients: gradients ?? variables.map((v) => tf.zerosLike(v)), metrics: sums.metrics(totals.tokens), logProbs };
}

/** A pass without gradient over a whole batch. */
export interface BatchPass extends Pick<LogProbOptions, "temperature" | "filter" | "sumSquares"> {
  microBatchSize: number;
}

/** Log-probs of a model over the whole batch, [B, C], without gradient. */
export function batchLogProbs(model: Pick<Policy, "logProbs">, batch: PolicyBatch, options: BatchPass): Float32Array {
  return batchDistribution(model, batch, { ...options, sumSquares: false }).logProbs;
}

/** Log-probs and, where asked for, Σp² of the distribution of each token of the whole batch; [B, C] each, without gradient. */
export function batchDistribution(model: Pick<Policy, "logProbs">, batch: PolicyBatch, { microBatchSize, ...options }: BatchPass): { logProbs: Float32Array; sumSquares?: Float32Array } {
  const logProbs = new Float32Array(batch.mask.length);
  const sumSquares = options.sumSquares ? new Float32Array(batch.mask.length) : undefined;
  for (const micro of microBatches(batch, microBatchSize)) {
    scope(() => {
      const result = replayed(() => scope(() => completionLogProbs(model, micro, options)));
      writeRows(logProbs, batch, micro, result.logProbs.dataSync());
      if (sumSquares) writeRows(sumSquares, batch, micro, scatterTo(result.sumSquares!, micro.source, result.logProbs.shape).dataSync());
    });
  }
  return { logProbs, ...(sumSquares && { sumSquares }) };
}

const forwardOptions = ({ temperature, filter }: PolicyStepOptions): Pick<LogProbOptions, "temperature" | "filter"> => ({ temperature, ...(filter && { filter }) });

/** The batch with the loss's own marks, for losses that compare tokens over all of it. */
function withMarks(policy: Policy, policyLoss: PolicyLoss, batch: PolicyBatch, options: PolicyStepOptions): PolicyBatch {
  if (!policyLoss.mark) return batch;
  const logProbs = batchLogProbs(policy, batch, { ...forwardOptions(options), microBatchSize: options.microBatchSize });
  const { mask, advantages, tokens, completionWidth: width, oldLogProbs = logProbs } = batch;
  return { ...batch, marks: policyLoss.mark({ rows: tokens.rows, width, logProbs, oldLogProbs, advantages, mask, rng: options.rng }) };
}

function lossInput(live: tf.Tensor2D, micro: MicroBatch): PolicyLossInput {
  const { shape } = live;
  return {
    logProbs: live,
    oldLogProbs: hostTensor(micro.oldLogProbs, shape) ?? stopGradient(live),
    advantages: tf.tensor2d(micro.advantages, shape),
    mask: tf.tensor2d(micro.mask, shape),
    ...(micro.marks && { marks: tf.tensor2d(micro.marks, shape) }),
  };
}

/** KL(policy ‖ reference) a token, [B, C]. */
function klTerm({ logProbs, oldLogProbs }: PolicyLossInput, ref: tf.Tensor2D, { klEstimator, klBiasCorrection }: PolicyStepOptions["loss"]): tf.Tensor2D {
  const kl = klPenalty(logProbs, ref, klEstimator);
  return klBiasCorrection ? tf.mul(kl, policyRatio(logProbs, oldLogProbs)) : kl;
}

const hostTensor = (values: Float32Array | undefined, shape: [number, number]): tf.Tensor2D | undefined => values && tf.tensor2d(values, shape);
