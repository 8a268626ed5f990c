import { tf } from "../tf.js";
import { logitColumns, logitSlopes } from "./logit-kernels.js";
import { hasKernels, isNative, rawOp } from "./raw-op.js";

export interface ChunkWishes {
  /** "differentiable" adds what the entropy's gradient needs. */
  entropy?: boolean | "differentiable";
  sumSquares?: boolean;
  mostLikely?: boolean;
}

/** What some rows of logits, p = softmax(z), say about their targets, with what the gradient needs. */
export interface LogitChunk {
  /** log p of the target, [c] */
  logProbs: tf.Tensor1D;
  /** What `targetSlopes` needs: p − one-hot [c, V], or the logits [c, V] and their log Σ exp [c]. */
  kept: tf.Tensor[];
  /** H = −Σ p·log p, [c] */
  entropy?: tf.Tensor1D;
  /** −p·(log p + H), [c, V]: the gradient of the entropy with respect to the logits. */
  entropySlope?: tf.Tensor2D;
  /** Σ p², [c] */
  sumSquares?: tf.Tensor1D;
  /** 1 where the target has the highest logit, the first of equals; [c] */
  mostLikely?: tf.Tensor1D;
}

/** @param logits [c, V] · @param targets [c], int32 */
export function evaluateLogits(logits: tf.Tensor2D, targets: tf.Tensor1D, { entropy = false, sumSquares = false, mostLikely = false }: ChunkWishes): LogitChunk {
  if (hasKernels()) {
    const { target, logSum, mean, squares, hit } = logitColumns(logits, targets);
    const chunk: LogitChunk = { logProbs: tf.sub(target, logSum), kept: [logits, logSum], entropy: tf.sub(logSum, mean), sumSquares: squares, mostLikely: hit };
    return entropy === "differentiable" ? { ...chunk, ...entropyWithSlope(logits, tf.softmax(logits)) } : chunk;
  }
  let softmax: tf.Tensor2D | undefined;
  const probabilities = (): tf.Tensor2D => (softmax ??= tf.softmax(logits)); // [c, V]
  const chunk: LogitChunk = crossEntropy(logits, targets, probabilities);
  if (entropy === "differentiable") Object.assign(chunk, entropyWithSlope(logits, probabilities()));
  else if (entropy) chunk.entropy = tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(probabilities(), logits), 1)); // logΣexp(z) − Σ p·z
  if (sumSquares) chunk.sumSquares = tf.sum(tf.square(probabilities()), 1);
  if (mostLikely) chunk.mostLikely = tf.cast(tf.equal(tf.argMax(logits, 1), targets), "float32");
  return chunk;
}

/**
 * dy · d logProbs / d logits.
 * @param kept of a chunk · @param targets [c], int32 · @param dy [c]
 * @returns [c, V]
 */
export function targetSlopes(kept: readonly tf.Tensor[], targets: tf.Tensor1D, dy: tf.Tensor1D): tf.Tensor2D {
  const [numbers, logSum] = kept as [tf.Tensor2D, tf.Tensor1D?];
  return logSum ? logitSlopes(numbers, targets, logSum, dy) : tf.mul(numbers, tf.expandDims(tf.neg(dy), 1));
}

function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D, probabilities: () => tf.Tensor2D): Pick<LogitChunk, "logProbs" | "kept"> {
  if (isNative()) {
    const [loss, residual] = rawOp("SparseSoftmaxCrossEntropyWithLogits", [logits, targets], {
      types: { T: "float32", Tlabels: "int32" },
      outputs: 2,
    }) as [tf.Tensor1D, tf.Tensor2D];
    return { logProbs: tf.neg(loss), kept: [residual] };
  }
  const [count, vocabulary] = logits.shape;
  const rowsAndTargets = tf.stack([tf.range(0, count, 1, "int32"), targets], 1); // [c, 2]
  return {
    logProbs: tf.sub(tf.gatherND(logits, rowsAndTargets), tf.logSumExp(logits, 1)),
    kept: [tf.sub(probabilities(), tf.oneHot(targets, vocabulary))],
  };
}

function entropyWithSlope(logits: tf.Tensor2D, probabilities: tf.Tensor2D): Required<Pick<LogitChunk, "entropy" | "entropySlope">> {
  const logs = tf.sub(logits, tf.logSumExp(logits, 1, true)); // [c, V]
  const entropy = tf.neg(tf.sum<tf.Tensor1D>(tf.mul(probabilities, logs), 1));
  return { entropy, entropySlope: tf.neg(tf.mul(probabilities, tf.add(logs, tf.expandDims(entropy, 1)))) };
}
