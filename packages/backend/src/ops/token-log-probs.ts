import { tf } from "../tf.js";
import type { FrozenTable } from "./frozen/frozen-weight.js";
import { fusedOp } from "./fused-op.js";
import { keepOnly, keptTokens } from "./kept-tokens.js";
import { evaluateLogits, targetSlopes, type ChunkWishes, type LogitChunk } from "./logit-chunk.js";
import { multiplier } from "./multiply.js";
import { vocabularyLogProbs } from "./vocabulary-log-probs.js";

/** Logits held at one time, in numbers: 8 M float32 = 32 MiB. A whole batch's [B, T, V] is never materialised. */
const CHUNK_NUMBERS = 8 * 2 ** 20;

export interface TokenLogProbOptions extends ChunkWishes {
  temperature?: number;
  /**
   * Sets to −∞, in place, what is removed from one row's scaled logits, [V]; the distribution is that of what is left and
   * the target. Runs on the host, once for each row; the gradient takes what is left as given.
   */
  filter?: (logits: Float32Array) => void;
  /** Logits held at one time. */
  chunkNumbers?: number;
}

export interface TokenLogProbs {
  /** [N] */
  logProbs: tf.Tensor1D;
  /** [N], nats; a plain value unless asked for as "differentiable". */
  entropy?: tf.Tensor1D;
  /** [N], Σ p²; a plain value. */
  sumSquares?: tf.Tensor1D;
  /** [N], 1 where the target is the most likely token, the first of equals; a plain value. */
  mostLikely?: tf.Tensor1D;
}

/** The outputs that carry no gradient. */
const plainOutputs = ["entropy", "sumSquares", "mostLikely"] as const;

/**
 * log softmax(h·Wᵀ / temperature) at the target tokens, and what else is asked for of each softmax. Logits that do not fit
 * into one chunk come in chunks over the vocabulary, or over tokens where a filter has to see whole rows.
 * @param hidden [N, H]
 * @param head [V, H]
 * @param targets [N], int32
 * @returns tensors that the caller's scope owns
 */
export function tokenLogProbs(hidden: tf.Tensor2D, head: tf.Tensor2D | FrozenTable, targets: tf.Tensor1D, options: TokenLogProbOptions = {}): TokenLogProbs {
  const { temperature = 1, entropy = false, sumSquares = false, mostLikely = false, filter, chunkNumbers = CHUNK_NUMBERS } = options;
  const isFrozen = !(head instanceof tf.Tensor);
  if (filter || (!isFrozen && hidden.shape[0] * head.shape[0] <= chunkNumbers)) return byTokens(hidden, isFrozen ? head.dense() : head, targets, options);
  const { output, aside } = vocabularyLogProbs(hidden, head, targets, { temperature, entropy, sumSquares, mostLikely, chunkNumbers });
  return results(output, hidden.shape[0], entropy === "differentiable", aside);
}

/** With one chunk what the gradient needs is kept; with several it is computed again. */
function byTokens(hidden: tf.Tensor2D, head: tf.Tensor2D, targets: tf.Tensor1D, options: TokenLogProbOptions): TokenLogProbs {
  const { temperature = 1, entropy = false, sumSquares = false, mostLikely = false, filter, chunkNumbers = CHUNK_NUMBERS } = options;
  const times = multiplier();
  const [count, width] = hidden.shape;
  const chunkRows = Math.max(1, Math.min(count, Math.floor(chunkNumbers / head.shape[0])));
  const starts = Array.from({ length: Math.ceil(count / chunkRows) }, (_, i) => i * chunkRows);
  const size = (start: number): number => Math.min(chunkRows, count - start);
  const part = (x: tf.Tensor2D, start: number): tf.Tensor2D => tf.slice(x, [start, 0], [size(start), width]);
  const kept = new Map<number, Int32Array>();
  const evaluate = (h: tf.Tensor2D, w: tf.Tensor2D, ids: tf.Tensor1D, start: number, wishes: ChunkWishes): LogitChunk => {
    const logits: tf.Tensor2D = times(part(h, start), w, false, true); // [c, V]
    const scaled = temperature === 1 ? logits : tf.div<tf.Tensor2D>(logits, temperature);
    const own = tf.slice(ids, start, size(start)); // [c]
    if (!filter) return evaluateLogits(scaled, own, wishes);
    if (!kept.has(start)) kept.set(start, keptTokens(scaled, own, filter));
    return evaluateLogits(keepOnly(scaled, kept.get(start)!), own, wishes);
  };

  const wanted = { entropy: entropy === true, sumSquares, mostLikely };
  const plain = plainOutputs.filter((name) => wanted[name]);
  const aside: Partial<Record<(typeof plainOutputs)[number], tf.Tensor1D>> = {};
  const bonus = entropy === "differentiable";
  const output = fusedOp<tf.Tensor1D>(
    [hidden, head],
    (save) => {
      const chunks = starts.map((start) => tf.tidy(() => {
        const { kept, entropySlope, ...rest } = evaluate(hidden, head, targets, start, { entropy, sumSquares, mostLikely });
        return { ...rest, ...(starts.length === 1 && { kept, ...(entropySlope && { entropySlope }) }) };
      }) as unknown as Partial<LogitChunk>);
      const { kept = [], entropySlope } = chunks[0] ?? {};
      save([hidden, head, targets, ...(entropySlope ? [entropySlope] : []), ...kept]);
      const all = (name: "logProbs" | (typeof plainOutputs)[number]): tf.Tensor1D => tf.concat(chunks.map((chunk) => chunk[name]!)); // [N]
      for (const name of plain) aside[name] = tf.keep(all(name));
      return bonus ? tf.concat([all("logProbs"), all("entropy")]) : all("logProbs"); // [2N] or [N]
    },
    (dy, saved) => {
      const [h, w, ids, ...all] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, ...tf.Tensor[]];
      const own = (x: tf.Tensor1D, from: number, start: number): tf.Tensor1D => tf.slice(x, from + start, size(start)); // [c]
      const again = (start: number): Pick<LogitChunk, "kept" | "entropySlope"> => evaluate(h, w, ids, start, { entropy: bonus ? entropy : false });
      const keptChunk = starts.length === 1 && { kept: bonus ? all.slice(1) : all, entropySlope: all[0] as tf.Tensor2D };
      const dLogits = (start: number): tf.Tensor2D => {
        const { kept: numbers, entropySlope } = keptChunk || again(start);
        const scaled = (from: number): tf.Tensor1D => (temperature === 1 ? own(dy, from, start) : tf.div(own(dy, from, start), temperature));
        const ofLogProbs = targetSlopes(numbers, own(ids, 0, start), scaled(0)); // [c, V]
        return bonus ? tf.add(ofLogProbs, tf.mul(entropySlope!, tf.expandDims(scaled(count), 1))) : ofLogProbs;
      };
      const shared = keptChunk && dLogits(0); // one chunk: both gradients start from the same [N, V]
      const gradient = (start: number): tf.Tensor2D => shared || dLogits(start);
      return [
        () => tf.concat(starts.map((start) => tf.tidy(() => times(gradient(start), w)))), // [N, H]
        () => {
          let sum: tf.Tensor2D | undefined; // [V, H]
          for (const start of starts) {
            const dHead: tf.Tensor2D = tf.tidy(() => times(gradient(start), part(h, start), true, false));
            const next: tf.Tensor2D = sum ? tf.add(sum, dHead) : dHead;
            if (sum) tf.dispose([sum, dHead]);
            sum = next;
          }
          return sum!;
        },
      ];
    },
  );
  return results(output, count, bonus, aside);
}

/** @param output [N] log-probs, with a differentiable entropy behind them [2N] · @param aside kept tensors [N] */
function results(output: tf.Tensor1D, count: number, bonus: boolean, aside: Partial<Record<(typeof plainOutputs)[number], tf.Tensor1D>>): TokenLogProbs {
  return {
    logProbs: bonus ? tf.slice(output, 0, count) : output,
    ...(bonus && { entropy: tf.slice(output, count, count) }),
    ...Object.fromEntries(Object.entries(aside).map(([name, kept]) => [name, ownedByScope(kept)])),
  };
}

/** Moves a kept tensor into the current tidy scope. */
function ownedByScope(kept: tf.Tensor1D): tf.Tensor1D {
  const owned = tf.clone(kept);
  kept.dispose();
  return owned;
}
