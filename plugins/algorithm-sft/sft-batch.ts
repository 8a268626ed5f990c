import { gradientsOf, replayed, scope, tf } from "@verlet/backend";
import type { Metrics, Policy, Rng } from "@verlet/core";
import { collate, segmentStarts, type SftExample } from "@verlet/data";

export interface SftOptions {
  padId: number;
  microBatchSize: number;
  dropout?: Rng;
}

/** Flat positions of the trained tokens of a right-padded batch; a row's first token has no prediction. */
function trainedPositions(examples: readonly SftExample[], width: number): Int32Array {
  const positions: number[] = [];
  examples.forEach(({ mask }, row) => {
    for (let t = 1; t < mask.length; t++) if (mask[t]) positions.push(row * width + t);
  });
  return Int32Array.from(positions);
}

/** Trained tokens of the whole optimizer step: the divisor of its loss. */
const countTrained = (examples: readonly SftExample[]): number =>
  examples.reduce((total, { mask }) => total + mask.subarray(1).reduce((a, b) => a + b, 0), 0);

function slices(examples: readonly SftExample[], size: number): SftExample[][] {
  const step = size > 0 ? size : examples.length;
  return Array.from({ length: Math.ceil(examples.length / step) }, (_, i) => examples.slice(i * step, (i + 1) * step));
}

/** Of one slice's trained tokens, [N] each: log-probs, entropies, and 1 where the token is the model's first choice. */
function forward(policy: Policy, examples: readonly SftExample[], { padId, dropout }: SftOptions): Record<"logProbs" | "entropy" | "mostLikely", tf.Tensor1D> {
  const padded = collate(examples.map(({ ids }) => ids), padId);
  const tokens = examples.some(({ lengths }) => lengths) ? { ...padded, starts: segmentStarts(examples, padded.width) } : padded;
  const selection = { positions: trainedPositions(examples, tokens.width) };
  const { logProbs, entropy, mostLikely } = policy.logProbs(tokens, selection, { temperature: 1, entropy: true, mostLikely: true, ...(dropout && { dropout }) });
  return { logProbs, entropy: entropy!, mostLikely: mostLikely! };
}

/** Gradient of −Σ log p / N over one optimizer step's rows, summed over micro-batches; the caller disposes of it. */
export function sftGradients(policy: Policy, examples: readonly SftExample[], options: SftOptions): { gradients: tf.Tensor[]; metrics: Metrics } {
  const variables = policy.trainable.map(({ variable }) => variable);
  const total = countTrained(examples);
  let loss = 0;
  let entropySum = 0;
  let hits = 0;
  let gradients: tf.Tensor[] | undefined;
  for (const slice of slices(examples, options.microBatchSize)) {
    let entropy!: tf.Tensor1D;
    let mostLikely!: tf.Tensor1D;
    const part = gradientsOf(() => {
      const output = forward(policy, slice, options);
      entropy = tf.keep(output.entropy);
      mostLikely = tf.keep(output.mostLikely);
      return tf.div(tf.neg(tf.sum(output.logProbs)), total);
    }, variables, gradients);
    loss += part.value.dataSync()[0]!;
    entropySum += sumOf(entropy);
    hits += sumOf(mostLikely);
    tf.dispose([part.value, entropy, mostLikely]);
    gradients = part.gradients;
  }
  const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  return { gradients: gradients!, metrics: { loss, entropy: entropySum / total, mean_token_accuracy: hits / total, num_tokens: tokens } };
}

const sumOf = (values: tf.Tensor1D): number => tf.tidy(() => tf.sum(values).dataSync()[0]!);

/** Mean loss, entropy and token accuracy over rows that are not trained on. */
export function sftEvaluation(policy: Policy, examples: readonly SftExample[], options: SftOptions): Metrics {
  let logProbSum = 0;
  let entropySum = 0;
  let hits = 0;
  for (const slice of slices(examples, options.microBatchSize)) {
    scope(() => {
      const { logProbs, entropy, mostLikely } = replayed(() => scope(() => forward(policy, slice, options)));
      logProbSum += sumOf(logProbs);
      entropySum += sumOf(entropy);
      hits += sumOf(mostLikely);
    });
  }
  const total = countTrained(examples);
  return { loss: -logProbSum / total, entropy: entropySum / total, mean_token_accuracy: hits / total };
}
