import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { isNative, rawOp } from "./raw-op.js";

/** Logits held at one time, in numbers: 8 M float32 = 32 MiB. A whole batch's [B, T, V] is never materialised. */
const CHUNK_NUMBERS = 8 * 2 ** 20;

interface Chunk {
  /** [c] */
  logProbs: tf.Tensor1D;
  /** softmax − one-hot, [c, V]: minus the gradient of logProbs with respect to the logits. */
  residual: tf.Tensor2D;
  /** [c] */
  entropy?: tf.Tensor1D;
}

/** Log-probs of the targets from logits [c, V], with what the gradient needs. */
function chunkLogProbs(logits: tf.Tensor2D, targets: tf.Tensor1D, wantEntropy: boolean): Chunk {
  const [count, vocabulary] = logits.shape;
  const oneHot = (): tf.Tensor2D => tf.oneHot(targets, vocabulary) as tf.Tensor2D;
  if (isNative()) {
    const [loss, residual] = rawOp("SparseSoftmaxCrossEntropyWithLogits", [logits, targets], {
      types: { T: "float32", Tlabels: "int32" },
      outputs: 2,
    }) as [tf.Tensor1D, tf.Tensor2D];
    const chunk: Chunk = { logProbs: tf.neg(loss), residual };
    if (wantEntropy) chunk.entropy = entropyOf(logits, tf.softmax<tf.Tensor2D>(logits));
    return chunk;
  }
  const probabilities = tf.softmax(logits); // [c, V]
  const rowsAndTargets = tf.stack([tf.range(0, count, 1, "int32"), targets], 1); // [c, 2]
  const chunk: Chunk = {
    logProbs: tf.sub(tf.gatherND(logits, rowsAndTargets), tf.logSumExp(logits, 1)),
    residual: tf.sub(probabilities, oneHot()),
  };
  if (wantEntropy) chunk.entropy = entropyOf(logits, probabilities);
  return chunk;
}

/** H = logΣexp(z) − Σ p·z, [c]. */
function entropyOf(logits: tf.Tensor2D, probabilities: tf.Tensor2D): tf.Tensor1D {
  return tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(probabilities, logits), 1));
}

/**
 * log softmax(h·Wᵀ / temperature) at the target tokens, in chunks over tokens.
 * With one chunk the residual is kept for the gradient; with several it is computed again.
 * @param hidden [N, H]
 * @param head [V, H]
 * @param targets [N], int32
 * @returns logProbs [N]; `entropy` [N] (nats) as a plain value without gradient, when asked for; the caller's scope owns it
 */
export function tokenLogProbs(
  hidden: tf.Tensor2D,
  head: tf.Tensor2D,
  targets: tf.Tensor1D,
  { temperature = 1, entropy: wantEntropy = false, chunkNumbers = CHUNK_NUMBERS } = {},
): { logProbs: tf.Tensor1D; entropy?: tf.Tensor1D } {
  const [count, width] = hidden.shape;
  const vocabulary = head.shape[0];
  const chunkRows = Math.max(1, Math.min(count, Math.floor(chunkNumbers / vocabulary)));
  const starts = Array.from({ length: Math.ceil(count / chunkRows) }, (_, i) => i * chunkRows);
  const size = (start: number): number => Math.min(chunkRows, count - start);
  const part = (x: tf.Tensor2D, start: number): tf.Tensor2D => tf.slice(x, [start, 0], [size(start), width]);
  const evaluate = (h: tf.Tensor2D, w: tf.Tensor2D, ids: tf.Tensor1D, start: number, entropy: boolean): Chunk => {
    const logits: tf.Tensor2D = tf.matMul(part(h, start), w, false, true); // [c, V]
    const scaled = temperature === 1 ? logits : tf.div<tf.Tensor2D>(logits, temperature);
    return chunkLogProbs(scaled, tf.slice(ids, start, size(start)), entropy);
  };

  let entropy: tf.Tensor1D | undefined;
  const logProbs = fusedOp<tf.Tensor1D>(
    [hidden, head],
    (save) => {
      const chunks = starts.map((start) => tf.tidy(() => {
        const { residual, ...rest } = evaluate(hidden, head, targets, start, wantEntropy);
        return starts.length === 1 ? { residual, ...rest } : rest;
      }));
      const residual = (chunks[0] as Partial<Chunk> | undefined)?.residual;
      save([hidden, head, targets, ...(residual ? [residual] : [])]);
      if (wantEntropy) entropy = tf.keep(tf.concat(chunks.map((chunk) => chunk.entropy!)));
      return tf.concat(chunks.map((chunk) => chunk.logProbs));
    },
    (dy, saved) => {
      const [h, w, ids, kept] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D | undefined];
      const dLogits = (start: number): tf.Tensor2D => {
        const residual = kept ?? evaluate(h, w, ids, start, false).residual;
        const scale = tf.mul(tf.slice(dy, start, size(start)), -1 / temperature); // [c]
        return tf.mul(residual, tf.expandDims(scale, 1)); // [c, V]
      };
      const shared = kept && dLogits(0); // one chunk: both gradients start from the same [N, V]
      const gradient = (start: number): tf.Tensor2D => shared ?? dLogits(start);
      return [
        () => tf.concat(starts.map((start) => tf.tidy(() => tf.matMul(gradient(start), w)))), // [N, H]
        () => {
          let sum: tf.Tensor2D | undefined; // [V, H]
          for (const start of starts) {
            const dHead: tf.Tensor2D = tf.tidy(() => tf.matMul(gradient(start), part(h, start), true, false));
            const next: tf.Tensor2D = sum ? tf.add(sum, dHead) : dHead;
            if (sum) tf.dispose([sum, dHead]);
            sum = next;
          }
          return sum!;
        },
      ];
    },
  );
  if (!entropy) return { logProbs };
  return { logProbs, entropy: ownedByScope(entropy) };
}

/** Moves a kept tensor into the current tidy scope. */
function ownedByScope(kept: tf.Tensor1D): tf.Tensor1D {
  const owned = tf.clone(kept);
  kept.dispose();
  return owned;
}
