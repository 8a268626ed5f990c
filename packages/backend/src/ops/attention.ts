import { tf } from "../tf.js";
import { chunkedAttention } from "./attention-chunks.js";
import { fusedOp } from "./fused-op.js";
import { groupHeads, ungroupHeads } from "./group-heads.js";
import { multiplier } from "./multiply.js";

/** Additive mask value: exp(x + HIDDEN) is exactly 0, and a fully hidden row stays finite. */
export const HIDDEN = -1e9;

/** Scores held at one time, in numbers: 32 M float32 = 128 MiB. */
const CHUNK_NUMBERS = 32 * 2 ** 20;

/**
 * Softmax attention with grouped queries; keys and values are never repeated.
 * Saved: q, k, v, the probabilities and the output; scores that do not fit into one chunk are computed again in chunks of
 * queries, so that memory grows in proportion to T. With δ = Σ dO·O a row,
 * dS = P·(dO·Vᵀ − δ), dQ = scale·dS·K, dK = dSᵀ·(scale·Q), dV = Pᵀ·dO (sums over a key head's queries included).
 * @param q [B, T, heads, D]
 * @param k [B, S, kvHeads, D]
 * @param v [B, S, kvHeads, D]
 * @param mask additive, [1 or B, 1, (heads / kvHeads)·T, S]: `HIDDEN` where a query may not look
 * @param chunkNumbers scores held at one time
 * @returns [B, T, heads, D]
 */
export function attention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor4D, chunkNumbers = CHUNK_NUMBERS): tf.Tensor4D {
  const [batch, width, heads, dim] = q.shape;
  const [, keys, kvHeads] = k.shape;
  const queries = Math.floor(chunkNumbers / (batch * heads * keys));
  if (queries < width) return chunkedAttention(q, k, v, mask, Math.max(1, queries));
  const scale = 1 / Math.sqrt(dim);
  const times = multiplier();
  return fusedOp(
    [q, k, v],
    (save) => {
      const scaledQ = groupHeads(tf.mul<tf.Tensor4D>(q, scale), kvHeads); // [B, kvHeads, g·T, D]
      const groupedK = groupHeads(k, kvHeads); // [B, kvHeads, S, D]
      const groupedV = groupHeads(v, kvHeads); // [B, kvHeads, S, D]
      const probabilities = tf.softmax(tf.add<tf.Tensor4D>(times(scaledQ, groupedK, false, true), mask)); // [B, kvHeads, g·T, S]
      const out = times(probabilities, groupedV); // [B, kvHeads, g·T, D]
      save([scaledQ, groupedK, groupedV, probabilities, out]);
      return ungroupHeads(out as tf.Tensor4D, heads, width);
    },
    (dy, saved) => {
      const [scaledQ, groupedK, groupedV, probabilities, out] = saved as tf.Tensor4D[];
      const [dq, dk, dv] = tf.tidy(() => {
        const dOut = groupHeads(dy, kvHeads); // [B, kvHeads, g·T, D]
        const delta = tf.sum(tf.mul(dOut, out!), -1, true); // [B, kvHeads, g·T, 1]
        const dScores = tf.mul(probabilities!, tf.sub(times(dOut, groupedV!, false, true), delta)); // [B, kvHeads, g·T, S]
        return [
          ungroupHeads(tf.mul(times(dScores, groupedK!), scale) as tf.Tensor4D, heads, width),
          ungroupHeads(times(dScores, scaledQ!, true, false) as tf.Tensor4D, kvHeads, keys),
          ungroupHeads(times(probabilities!, dOut, true, false) as tf.Tensor4D, kvHeads, keys),
        ] as const;
      }) as unknown as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return [() => dq, () => dk, () => dv];
    },
  );
}

/** The same from plain ops, keys repeated: the definition that the fused form is tested against. Mask [1 or B, 1, T, S]. */
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
