import { tf } from "../tf.js";

/** In place of −∞: its probability is exactly 0, and 0 · log p stays 0. */
const REMOVED = -1e30;

/**
 * Which tokens a filter leaves in some rows of logits; each row's target always stays.
 * @param logits [c, V] · @param targets [c]
 * @param filter sets what it removes to −∞, in one row of V numbers, in place
 * @returns positions in [c·V]
 */
export function keptTokens(logits: tf.Tensor2D, targets: tf.Tensor1D, filter: (logits: Float32Array) => void): Int32Array {
  const vocabulary = logits.shape[1];
  const numbers = logits.dataSync<"float32">();
  const kept: number[] = [];
  targets.dataSync().forEach((target, row) => {
    const own = numbers.slice(row * vocabulary, (row + 1) * vocabulary);
    filter(own);
    own.forEach((logit, id) => (logit !== -Infinity || id === target) && kept.push(row * vocabulary + id));
  });
  return Int32Array.from(kept);
}

/** The logits with everything else at a probability of 0. @param kept positions in [c·V] */
export function keepOnly(logits: tf.Tensor2D, kept: Int32Array): tf.Tensor2D {
  const offsets = new Float32Array(logits.size).fill(REMOVED);
  for (const position of kept) offsets[position] = 0;
  return tf.add(logits, tf.tensor2d(offsets, logits.shape));
}
