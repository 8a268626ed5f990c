import { tf } from "../tf.js";
import { after } from "./after.js";
import { causalSoftmax } from "./causal-softmax.js";
import { fusedOp } from "./fused-op.js";
import { hasProducts } from "./matrix-product.js";
import { computeDtype, multiplier, type ComputeDtype } from "./multiply.js";
import { rawOp } from "./raw-op.js";

export interface AttentionLimits {
  /** Queries computed at one time. Fewer leave out more of the keys that they cannot see, and take more ops. */
  queries: number;
  /** Scores held at one time. */
  scores: number;
  /** Probabilities kept for the gradient; more than that are computed again for it. */
  kept: number;
}

/** 8 M scores of float32 are 32 MiB, 32 M probabilities 128 MiB. */
const LIMITS: AttentionLimits = { queries: 128, scores: 8 * 2 ** 20, kept: 32 * 2 ** 20 };

/** Queries [start, end), which see keys [0, end) at most. */
interface Chunk {
  start: number;
  end: number;
}

/**
 * Causal softmax attention with grouped queries; keys and values are never repeated, and no tensor is as large as T².
 * With δ = Σ dP·P a row, dS = P·(dP − δ), dP = dO·Vᵀ, dQ = scale·dS·K, dK = scale·dSᵀ·Q, dV = Pᵀ·dO (sums over a key head's
 * queries included). An op of verlet's own where `hasProducts` says so, chunks of queries elsewhere.
 * @param q [B, T, heads, D]
 * @param k [B, T, kvHeads, D]
 * @param v [B, T, kvHeads, D]
 * @param sequences [B, T], whole numbers: a token sees, of those up to its own place, the ones with its own number and those with
 *   a negative one; all without it
 * @param limits of the chunks
 * @returns [B, T, heads, D]
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, sequences?: tf.Tensor2D, limits: Partial<AttentionLimits> = {}): tf.Tensor4D {
  return hasProducts(computeDtype()) ? kernel(q, k, v, sequences) : inChunks(q, k, v, sequences, limits);
}

/** packages/backend/native/kernels/attention.cc: of the probabilities only log Σ exp of each query's scores is kept. */
function kernel(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, sequences: tf.Tensor2D | undefined): tf.Tensor4D {
  const attributes = { floats: { scale: 1 / Math.sqrt(q.shape[3]) }, bools: { rounded: computeDtype() === "bfloat16" } };
  return fusedOp(
    [q, k, v],
    (save) => {
      const inputs: tf.Tensor[] = [q, k, v, sequences ?? tf.zeros([0])];
      const [out, logSums] = rawOp("VerletAttention", inputs, { ...attributes, outputs: 2 }) as [tf.Tensor4D, tf.Tensor3D]; // [B, T, heads, D], [B, heads, T]
      save([...inputs, out, logSums]);
      return out;
    },
    (dy, saved) => {
      const [dq, dk, dv] = rawOp("VerletAttentionGrad", [...saved, dy], { ...attributes, outputs: 3 }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return [() => dq, () => dk, () => dv];
    },
  );
}

/** Chunks of queries one after another, each with the keys up to its own end. */
function inChunks(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, sequences: tf.Tensor2D | undefined, limits: Partial<AttentionLimits>): tf.Tensor4D {
  const [batch, width, heads, dim] = q.shape;
  const kvHeads = k.shape[2];
  const scale = 1 / Math.sqrt(dim);
  const times = multiplier();
  const { softmax, gradient } = causalSoftmax();
  const { size, kept } = plan(batch * heads, width, { ...LIMITS, ...limits });
  const chunks: Chunk[] = Array.from({ length: Math.ceil(width / size) }, (_, i) => ({ start: i * size, end: Math.min(width, (i + 1) * size) }));

  const byKeyHead = (x: tf.Tensor4D): tf.Tensor4D => tf.reshape(x, [batch, kvHeads, (heads / kvHeads) * x.shape[2], x.shape[3]]); // [B, heads, c, n] → [B, kvHeads, g·c, n]
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.reshape(x, [batch, heads, (x.shape[2] * kvHeads) / heads, x.shape[3]]); // back
  const queriesOf = (x: tf.Tensor4D, { start, end }: Chunk): tf.Tensor4D => byKeyHead(span(x, 2, start, end));
  const probabilitiesOf = (own: tf.Tensor4D, keys: tf.Tensor4D, numbers: tf.Tensor2D | undefined, { start, end }: Chunk): tf.Tensor4D =>
    softmax(byHead(times(own, span(keys, 2, 0, end), false, true)), start, numbers && span(numbers, 1, 0, end)); // [B, heads, c, end]

  return fusedOp(
    [q, k, v],
    (save) => {
      const [scaledQ, keys, values] = [swapped(tf.mul(q, scale)), swapped(k), swapped(v)];
      const parts = chunks.map((chunk) => tf.tidy(() => {
        const probabilities = probabilitiesOf(queriesOf(scaledQ, chunk), keys, sequences, chunk);
        return [byHead(times(byKeyHead(probabilities), span(values, 2, 0, chunk.end))), ...(kept ? [probabilities] : [])];
      }) as [tf.Tensor4D, tf.Tensor4D?]);
      save([scaledQ, keys, values, ...(kept ? parts.map(([, probabilities]) => probabilities!) : sequences ? [sequences] : [])]);
      return swapped(joined(parts.map(([mixed]) => mixed))); // [B, T, heads, D]
    },
    (dy, saved) => {
      const [scaledQ, keys, values, ...rest] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor[]];
      const [dq, dk, dv] = tf.tidy(() => {
        const dOut = swapped(dy);
        const again = kept ? scaledQ : after(scaledQ, dy);
        const ofAll = (x: tf.Tensor4D, { end }: Chunk): tf.Tensor4D => (end < width ? tf.pad(x, [[0, 0], [0, 0], [0, width - end], [0, 0]]) : x); // [B, kvHeads, T, D]
        let sums: [tf.Tensor4D, tf.Tensor4D] | undefined;
        const parts = chunks.map((chunk, i) => {
          const [part, ...own] = tf.tidy(() => {
            const [ownQ, ownOut] = [queriesOf(again, chunk), queriesOf(dOut, chunk)];
            const probabilities = kept ? (rest[i] as tf.Tensor4D) : probabilitiesOf(ownQ, keys, rest[0] as tf.Tensor2D | undefined, chunk);
            const dScores = byKeyHead(tf.tidy(() => gradient(probabilities, byHead(times(ownOut, span(values, 2, 0, chunk.end), false, true)))));
            return [
              byHead(tf.mul(times(dScores, span(keys, 2, 0, chunk.end)), scale)),
              ofAll(times(dScores, ownQ, true, false), chunk),
              ofAll(times(byKeyHead(probabilities), ownOut, true, false), chunk),
            ];
          }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
          const before = sums;
          sums = before ? [tf.add(before[0], own[0]), tf.add(before[1], own[1])] : own;
          if (before) tf.dispose([before, own]);
          return part;
        });
        return [joined(parts), ...sums!].map(swapped);
      }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return [() => dq, () => dk, () => dv];
    },
  );
}

/** Probabilities that `attention` keeps for its gradient, of so many rows' heads over so many tokens, computing in the format. */
export function keptProbabilities(heads: number, width: number, dtype: ComputeDtype): number {
  if (hasProducts(dtype)) return 0;
  const { numbers, kept } = plan(heads, width, LIMITS);
  return kept ? numbers : 0;
}

/** Chunks of `size` queries but for the last, the probabilities of all, and whether these are kept. */
function plan(heads: number, width: number, { queries, scores, kept }: AttentionLimits): { size: number; numbers: number; kept: boolean } {
  const most = Math.max(1, Math.min(queries, Math.floor(scores / (heads * width))));
  const size = Math.ceil(width / Math.ceil(width / most));
  const whole = Math.floor(width / size);
  const numbers = heads * ((size * size * whole * (whole + 1)) / 2 + (width - whole * size) * width); // queries of each chunk times the keys up to its end
  return { size, numbers, kept: numbers <= kept };
}

/** [B, T, n, D] to [B, n, T, D] and back. */
const swapped = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]);

/** Of [B, heads, c, D] each. */
const joined = (parts: tf.Tensor4D[]): tf.Tensor4D => (parts.length === 1 ? parts[0]! : tf.concat(parts, 2));

/** x[…, from : to, …] along an axis. */
function span<T extends tf.Tensor>(x: T, axis: number, from: number, to: number): T {
  const { shape } = x;
  return to - from === shape[axis] ? x : tf.slice(x, shape.map((_, i) => (i === axis ? from : 0)), shape.map((size, i) => (i === axis ? to - from : size)));
}

/** The same from plain ops, keys repeated: the definition that the fused form is tested against. @param mask additive, [1 or B, 1, T, S] */
export function attentionComposed(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor4D): tf.Tensor4D {
  const [batch, , heads, dim] = q.shape;
  const [, keys, kvHeads] = k.shape;
  const repeat = (x: tf.Tensor4D): tf.Tensor4D =>
    tf.reshape(
      tf.concat(Array.from({ length: heads / kvHeads }, () => tf.reshape(x, [batch, keys, kvHeads, 1, dim])), 3),
      [batch, keys, heads, dim],
    );
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]);
  const scores = tf.mul(tf.matMul(byHead(q), byHead(repeat(k)), false, true), 1 / Math.sqrt(dim)); // [B, heads, T, S]
  return byHead(tf.matMul(tf.softmax(tf.add(scores, mask)), byHead(repeat(v))) as tf.Tensor4D);
}
