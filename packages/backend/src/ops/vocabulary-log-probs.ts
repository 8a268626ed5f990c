/** Log-probs of target tokens in chunks over the vocabulary: for batches whose logits do not fit into one chunk. */
import { endReplay } from "../replay/replayed.js";
import { tf } from "../tf.js";
import { after } from "./after.js";
import type { FrozenTable } from "./frozen/frozen-weight.js";
import { fusedOp } from "./fused-op.js";
import type { ChunkWishes } from "./logit-chunk.js";
import { logitColumns, logitSlopes, type LogitColumns } from "./logit-kernels.js";
import { hasProducts, matrixProduct, type Factor } from "./matrix-product.js";
import { computeDtype, multiplier } from "./multiply.js";
import { hasKernels } from "./raw-op.js";
import { stackRows } from "./stack-rows.js";

export interface VocabularyOptions extends ChunkWishes {
  temperature: number;
  /** Logits held at one time. */
  chunkNumbers: number;
}

export interface VocabularyLogProbs {
  /** [N], or [2N] with a differentiable entropy behind it */
  output: tf.Tensor1D;
  /** [N], without a gradient; kept, their owner is the caller. */
  aside: { entropy?: tf.Tensor1D; sumSquares?: tf.Tensor1D; mostLikely?: tf.Tensor1D };
}

/** What a chunk's columns say about the whole softmax. */
type Columns = Pick<LogitColumns, "logSum" | "target"> & Partial<LogitColumns>;

/**
 * The chunks' statistics combine exactly: with L = log Σ exp over their log-sums l and w = exp(l − L), log p = z − L,
 * H = L − Σ w·mean, Σ p² = Σ w²·squares. The head is read once a pass, and its gradient comes in blocks of rows. Logits are
 * computed again for the gradient.
 * @param hidden [N, H]
 * @param head [V, H]; a frozen one's numbers exist for a chunk at a time
 * @param targets [N], int32
 */
export function vocabularyLogProbs(hidden: tf.Tensor2D, head: tf.Tensor2D | FrozenTable, targets: tf.Tensor1D, options: VocabularyOptions): VocabularyLogProbs {
  const { temperature, entropy = false, sumSquares = false, mostLikely = false, chunkNumbers } = options;
  const [count] = hidden.shape;
  const vocabulary = head.shape[0];
  const width = Math.max(1, Math.min(vocabulary, Math.floor(chunkNumbers / count)));
  const starts = Array.from({ length: Math.ceil(vocabulary / width) }, (_, i) => i * width);
  const size = (start: number): number => Math.min(width, vocabulary - start);
  const product = multiplier();
  const bonus = entropy === "differentiable";

  const dtype = computeDtype();
  const part = (table: tf.Tensor2D, start: number): tf.Tensor2D => tf.slice(table, [start, 0], [size(start), -1]);
  const rowsOf = (table: tf.Tensor2D | undefined, start: number): Factor => { // [c, H]
    if (table) return part(table, start);
    const { pairs } = head as FrozenTable;
    return pairs && hasProducts(dtype) ? { pairs: part(pairs, start) } : (head as FrozenTable).rows(start, size(start));
  };
  const times = (x: tf.Tensor2D, rows: Factor, transposeB = false): tf.Tensor2D => (rows instanceof tf.Tensor ? product(x, rows, false, transposeB) : matrixProduct(x, rows, { dtype, transposeB }));
  const logitsOf = (h: tf.Tensor2D, rows: Factor): tf.Tensor2D => {
    const logits = times(h, rows, true);
    return temperature === 1 ? logits : tf.div(logits, temperature); // [N, c]
  };
  const columns = (start: number): Columns => tf.tidy(() => {
    const z = logitsOf(hidden, rowsOf(head instanceof tf.Tensor ? head : undefined, start));
    if (hasKernels()) return logitColumns(z, local(targets, start));
    const top = tf.max(z, 1, true);
    const powers = tf.exp(tf.sub(z, top));
    const sum = tf.sum(powers, 1, true); // [N, 1]
    const q = entropy || sumSquares ? tf.div(powers, sum) : undefined;
    return {
      logSum: tf.reshape(tf.add(top, tf.log(sum)), [count]),
      target: ownLogits(z, local(targets, start)),
      ...(entropy && { mean: tf.sum(tf.mul(q!, z), 1) }),
      ...(sumSquares && { squares: tf.sum(tf.square(q!), 1) }),
      ...(mostLikely && { top: tf.reshape(top, [count]), hit: tf.cast(tf.equal(tf.argMax(z, 1), local(targets, start)), "float32") }),
    };
  }) as unknown as Columns;

  const aside: VocabularyLogProbs["aside"] = {};
  const output = fusedOp<tf.Tensor1D>(
    head instanceof tf.Tensor ? [hidden, head] : [hidden],
    (save) => {
      if (!(head instanceof tf.Tensor)) endReplay(); // a function would unpack all frozen weights at its beginning
      const chunks = starts.map(columns);
      const all = (name: keyof Columns): tf.Tensor2D => tf.stack(chunks.map((chunk) => chunk[name]!)) as tf.Tensor2D; // [chunks, N]
      const logSums = all("logSum");
      const total: tf.Tensor1D = tf.logSumExp(logSums, 0);
      const weights = tf.exp(tf.sub(logSums, total));
      const logProbs: tf.Tensor1D = tf.sub(tf.sum(all("target"), 0), total);
      const entropies: tf.Tensor1D | undefined = entropy ? tf.sub(total, tf.sum(tf.mul(weights, all("mean")), 0)) : undefined;
      if (entropy === true) aside.entropy = tf.keep(entropies!);
      if (sumSquares) aside.sumSquares = tf.keep(tf.sum(tf.mul(tf.square(weights), all("squares")), 0));
      if (mostLikely) aside.mostLikely = tf.keep(ofHighest(all("top"), all("hit")));
      save([hidden, targets, total, ...(bonus ? [entropies!] : []), ...(head instanceof tf.Tensor ? [head] : [])]);
      return bonus ? tf.concat([logProbs, entropies!]) : logProbs;
    },
    (dy, saved) => {
      const [savedHidden, ids, total, ...rest] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, ...tf.Tensor[]];
      const h = after(savedHidden, dy);
      const entropies = bonus ? (rest.shift() as tf.Tensor1D) : undefined;
      const table = rest[0] as tf.Tensor2D | undefined;
      const column = (x: tf.Tensor, from = 0): tf.Tensor2D => tf.reshape(tf.slice(x, from, count), [count, 1]);
      /** [N, c], of the logits before the temperature */
      const slopes = (start: number, rows: Factor): tf.Tensor2D => tf.tidy(() => {
        const z = logitsOf(h, rows);
        if (hasKernels() && !entropies) return logitSlopes(z, local(ids, start), total, temperature === 1 ? dy : tf.div(dy, temperature));
        const logs = tf.sub(z, column(total));
        const p = tf.exp(logs);
        const ofTarget = tf.tidy(() => tf.mul(tf.sub(isTarget(ids, start, size(start)), p), column(dy)));
        const all = entropies ? tf.sub(ofTarget, tf.mul(tf.mul(p, tf.add(logs, column(entropies))), column(dy, count))) : ofTarget;
        return temperature === 1 ? (all as tf.Tensor2D) : tf.div(all, temperature);
      });
      const together = head instanceof tf.Variable && head.trainable; // both gradients start from the same slopes
      let dHidden: tf.Tensor2D | undefined;
      const blocks = function* (): Generator<tf.Tensor2D> { // [c, H] each
        for (const start of starts) {
          const [sum, block] = tf.tidy(() => {
            const rows = rowsOf(table, start);
            const slope = slopes(start, rows);
            const ofChunk = times(slope, rows); // [N, H]
            return [dHidden ? tf.add(dHidden, ofChunk) : ofChunk, ...(together ? [product(slope, h, true)] : [])];
          }) as [tf.Tensor2D, tf.Tensor2D | undefined];
          dHidden?.dispose();
          dHidden = sum;
          if (block) yield block;
        }
      };
      const dHead = together ? stackRows(blocks(), head.shape) : void [...blocks()];
      const alone = function* (): Generator<tf.Tensor2D> {
        for (const start of starts) yield tf.tidy(() => product(slopes(start, rowsOf(table, start)), h, true));
      };
      return [() => dHidden!, () => dHead ?? stackRows(alone(), head.shape)];
    },
  );
  return { output, aside };
}

/** Each target's column in a chunk that begins at `start`, [N], int32. */
const local = (targets: tf.Tensor1D, start: number): tf.Tensor1D => tf.sub(targets, tf.scalar(start, "int32"));

/** 1 at each row's target, [N, width]; nowhere where that is not among the columns from `start` on. */
function isTarget(ids: tf.Tensor1D, start: number, width: number): tf.Tensor2D {
  return tf.cast(tf.equal(tf.expandDims(ids, 1), tf.range(start, start + width, 1, "int32")), "float32");
}

/** Each column's value in the row where `tops` is highest, the first of equals. @param tops [chunks, N] · @param values [chunks, N] */
function ofHighest(tops: tf.Tensor2D, values: tf.Tensor2D): tf.Tensor1D {
  if (tops.shape[0] === 1) return tf.reshape(values, [-1]); // what a table of fewer bits has where its logits fit into one chunk; tfjs has no one-hot of one
  const chosen = tf.transpose(tf.oneHot(tf.argMax(tops, 0) as tf.Tensor1D, tops.shape[0])); // [chunks, N]
  return tf.sum(tf.mul(chosen, values), 0);
}

/** Each row's logit at its target, 0 where that is not among the columns. @param local [N], int32, the target's column */
function ownLogits(z: tf.Tensor2D, local: tf.Tensor1D): tf.Tensor1D {
  const [count, width] = z.shape;
  const inside = tf.logicalAnd(tf.greaterEqual(local, 0), tf.less(local, width));
  const column = tf.cast(tf.clipByValue(local, 0, width - 1), "int32");
  const picked = tf.gatherND(z, tf.stack([tf.range(0, count, 1, "int32"), column], 1));
  return tf.mul(picked, tf.cast(inside, "float32"));
}
