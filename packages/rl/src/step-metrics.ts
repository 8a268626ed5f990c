import { tf } from "@verlet/backend";
import type { KlEstimator, Metrics, PolicyLoss, PolicyLossInput } from "@verlet/core";
import { klPenalty } from "./kl.js";
import type { MicroBatch } from "./micro-batches.js";

/** What a micro-batch's metrics are made of; every tensor is a plain value. */
export interface SeenMicroBatch {
  input: PolicyLossInput;
  /** [B, C] */
  ref?: tf.Tensor2D;
  /** [N] */
  entropy: tf.Tensor1D;
}

/** Sums over a micro-batch's active tokens; `loss` is already normalised by the whole batch. */
export function microMetrics(
  loss: tf.Scalar,
  policyLoss: PolicyLoss,
  { input, ref, entropy }: SeenMicroBatch,
  micro: MicroBatch,
  klEstimator: KlEstimator,
): { whole: Metrics; perToken: Metrics; largest: Metrics } {
  const read = (x: tf.Tensor): number => x.dataSync()[0]!;
  const drift = tf.mul(tf.sub(input.oldLogProbs, input.logProbs), input.mask);
  // Without old log-probs the policy is the one that sampled: what differs is rounding, dropout and the sampler's filters.
  const sampling = micro.oldLogProbs ? undefined : tf.abs(tf.mul(tf.sub(input.logProbs, tf.tensor2d(micro.sampledLogProbs, input.mask.shape)), input.mask));
  const perToken: Metrics = {
    entropy: read(tf.sum(entropy)),
    approx_kl: read(tf.sum(drift)),
    ...(ref && { kl: read(tf.sum(tf.mul(klPenalty(input.logProbs, ref, klEstimator), input.mask))) }),
    ...(sampling && { "sampling/logp_difference_mean": read(tf.sum(sampling)) }),
  };
  for (const [name, sum] of Object.entries(policyLoss.tokenMetrics?.(input) ?? {})) perToken[name] = read(sum);
  const largest: Metrics = sampling ? { "sampling/logp_difference_max": read(tf.max(sampling)) } : {};
  return { whole: { loss: read(loss) }, perToken, largest };
}

/** Adds up the metrics of a step's micro-batches. */
export class MetricSums {
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
