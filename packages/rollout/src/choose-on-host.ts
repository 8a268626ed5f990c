import type { tf } from "@verlet/backend";
import type { SamplingOptions } from "@verlet/core";
import { filterLogits, softmax } from "./logit-filters.js";
import type { Choice } from "./choice.js";

/** The definition of a choice: filters row by row, in double precision, ties and borders exact. Parameters as `chooseTokens`. */
export function chooseOnHost(logits: tf.Tensor2D, options: SamplingOptions, uniforms: Float64Array, contexts: readonly (readonly number[])[]): Choice {
  const [rows, vocabulary] = logits.shape;
  const all = logits.dataSync();
  const choice: Choice = { ids: new Int32Array(rows), logProbs: new Float32Array(rows) };
  for (let row = 0; row < rows; row++) {
    const own = Float32Array.from(all.subarray(row * vocabulary, (row + 1) * vocabulary));
    filterLogits(own, options, contexts[row] ?? []);
    const probabilities = softmax(own);
    const id = options.temperature === 0 ? indexOfMax(own) : invert(probabilities, uniforms[row]!);
    choice.ids[row] = id;
    choice.logProbs[row] = Math.log(probabilities[id]!);
  }
  return choice;
}

const indexOfMax = (values: Float32Array): number => values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);

/** The first index whose cumulative probability exceeds u; tokens of probability 0 are never drawn. */
function invert(probabilities: Float64Array, u: number): number {
  let total = 0;
  let last = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    total += probabilities[i]!;
    last = i;
    if (total > u) return i;
  }
  return last;
}
