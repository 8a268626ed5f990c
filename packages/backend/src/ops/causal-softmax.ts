/** Softmax over the keys that each query may see. Queries are the last of the keys. */
import { tf } from "../tf.js";
import { hasKernels, rawOp } from "./raw-op.js";

/** Additive mask value: exp(x + HIDDEN) is exactly 0, and a fully hidden row stays finite. */
export const HIDDEN = -1e9;

export interface CausalSoftmax {
  /**
   * @param scores [B, heads, c, n], of queries n − c … n − 1 and keys 0 … n − 1
   * @param start n − c
   * @param sequences [B, n], as `attention` takes them
   */
  softmax(scores: tf.Tensor4D, start: number, sequences?: tf.Tensor2D): tf.Tensor4D;
  /** dS = P·(dP − Σ dP·P), [B, heads, c, n]. */
  gradient(probabilities: tf.Tensor4D, dProbabilities: tf.Tensor4D): tf.Tensor4D;
}

/** The form for the backend in use. */
export const causalSoftmax = (): CausalSoftmax => (hasKernels() ? kernel : composed);

const composed: CausalSoftmax = {
  softmax(scores, start, sequences) {
    const [, , count] = scores.shape;
    const ahead = tf.pad(hiddenAhead(count), [[0, 0], [start, 0]]); // [c, n]
    const mask = sequences ? tf.add(others(sequences, start), ahead) : ahead;
    return tf.softmax(tf.add(scores, mask) as tf.Tensor4D);
  },
  gradient: (p, dP) => tf.mul(p, tf.sub(dP, tf.sum(tf.mul(p, dP), -1, true))),
};

/** One pass over memory each. */
const kernel: CausalSoftmax = {
  softmax: (scores, _, sequences) => rawOp("VerletCausalSoftmax", [scores, sequences ?? tf.zeros([0])])[0] as tf.Tensor4D,
  gradient: (p, dP) => rawOp("VerletCausalSoftmaxGrad", [p, dP])[0] as tf.Tensor4D,
};

/** [c, c], additive: what lies ahead of each query is hidden. */
function hiddenAhead(size: number): tf.Tensor2D {
  const numbers = new Float32Array(size * size);
  for (let t = 0; t < size; t++) numbers.fill(HIDDEN, t * size + t + 1, (t + 1) * size);
  return tf.tensor2d(numbers, [size, size]);
}

/** Hides keys of other sequences, [B, 1, c, n], additive. */
function others(sequences: tf.Tensor2D, start: number): tf.Tensor4D {
  const [rows, keys] = sequences.shape;
  const own = tf.slice(sequences, [0, start], [rows, keys - start]);
  const of = tf.reshape(sequences, [rows, 1, 1, keys]);
  const hidden = tf.logicalAnd(tf.notEqual(tf.reshape(own, [rows, 1, -1, 1]), of), tf.greaterEqual(of, 0));
  return tf.mul(tf.cast(hidden, "float32"), HIDDEN);
}
