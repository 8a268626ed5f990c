import { compile, tf } from "@verlet/backend";
import type { SamplingOptions } from "@verlet/core";
import { filterLogits, softmax } from "./logit-filters.js";

export interface Choice {
  /** [B] */
  ids: Int32Array;
  /** [B], log p under the distribution the token was drawn from; for greedy, the filtered one at temperature 1. */
  logProbs: Float32Array;
}

/** The largest float32 under 1: a number that rounds up to 1 would draw the last token, however unlikely. */
const BELOW_ONE = 1 - 2 ** -24;

/**
 * One token a row from logits [B, V], by inverting the cumulative distribution at `uniforms[row]`.
 * Plain temperature and greedy run on the backend; filters run on the host, where ties and borders are exact.
 * @param contexts the ids present in each row, for the repetition penalty
 */
export function chooseTokens(logits: tf.Tensor2D, options: SamplingOptions, uniforms: Float64Array, contexts: readonly (readonly number[])[]): Choice {
  const { topK, topP, minP, repetitionPenalty } = options;
  const filtered = topK > 0 || topP < 1 || minP > 0 || repetitionPenalty !== 1;
  if (filtered) return chooseFiltered(logits, options, uniforms, contexts);
  return options.temperature === 0 ? chooseGreedy(logits) : chooseSampled(logits, options.temperature, uniforms);
}

const greedy = compile(
  ({ logits }: { logits: tf.Tensor2D }): tf.Tensor1D => {
    const ids = tf.argMax(logits, 1) as tf.Tensor1D; // [B]
    return together(tf.cast(ids, "float32"), tf.sub(tf.max(logits, 1), tf.logSumExp(logits, 1)));
  },
  { name: "greedy choice" },
);

/** `uniforms` [B, 1] below 1; `temperature` a scalar. */
const sampled = compile(
  ({ logits, uniforms, temperature }: { logits: tf.Tensor2D; uniforms: tf.Tensor2D; temperature: tf.Scalar }): tf.Tensor1D => {
    const [rows, vocabulary] = logits.shape;
    const probabilities = tf.softmax(tf.div(logits, temperature)); // [B, V]
    const cumulative = tf.cumsum(probabilities, 1); // [B, V]
    const total = tf.slice(cumulative, [0, vocabulary - 1], [rows, 1]); // [B, 1]
    const passed = tf.sum(tf.cast(tf.lessEqual(cumulative, tf.mul(total, uniforms)), "float32"), 1); // [B], tokens before the drawn one
    const ids = tf.minimum(passed, vocabulary - 1);
    const at = tf.stack([tf.range(0, rows, 1, "int32"), tf.cast(ids, "int32")], 1); // [B, 2]
    return together(ids, tf.log(tf.gatherND(probabilities, at)));
  },
  { name: "sampling" },
);

/** Both [B], one after the other, to be read in one transfer; ids are exact in float32 up to 2²⁴. */
const together = (ids: tf.Tensor, logProbs: tf.Tensor): tf.Tensor1D => tf.concat([tf.reshape(ids, [-1]), tf.reshape(logProbs, [-1])] as tf.Tensor1D[]);

const chooseGreedy = (logits: tf.Tensor2D): Choice => readChoice(() => greedy({ logits }));

function chooseSampled(logits: tf.Tensor2D, temperature: number, uniforms: Float64Array): Choice {
  const numbers = Float32Array.from(uniforms, (u) => Math.min(u, BELOW_ONE));
  return readChoice(() => sampled({ logits, uniforms: tf.tensor2d(numbers, [numbers.length, 1]), temperature: tf.scalar(temperature) }));
}

function readChoice(compute: () => tf.Tensor1D): Choice {
  const both = tf.tidy(compute);
  const numbers = both.dataSync();
  both.dispose();
  const rows = numbers.length / 2;
  return { ids: Int32Array.from(numbers.slice(0, rows)), logProbs: Float32Array.from(numbers.slice(rows)) };
}

function chooseFiltered(logits: tf.Tensor2D, options: SamplingOptions, uniforms: Float64Array, contexts: readonly (readonly number[])[]): Choice {
  const [rows, vocabulary] = logits.shape;
  const all = logits.dataSync();
  const choice: Choice = { ids: new Int32Array(rows), logProbs: new Float32Array(rows) };
  for (let row = 0; row < rows; row++) {
    const own = Float32Array.from(all.subarray(row * vocabulary, (row + 1) * vocabulary));
    filterLogits(own, options, contexts[row]!);
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
