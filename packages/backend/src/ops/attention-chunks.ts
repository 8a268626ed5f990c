/** Attention in chunks of queries: for sequences whose scores would take too much memory at once. */
import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { groupHeads, ungroupHeads } from "./group-heads.js";
import { multiplier } from "./multiply.js";

/**
 * What `attention` computes, with the scores of `chunk` queries at a time. Saved: q, k, v and the output; probabilities are
 * computed again for the gradient, by the formulas given there.
 * @param chunk queries a head at a time
 */
export function chunkedAttention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor4D, chunk: number): tf.Tensor4D {
  const [batch, width, heads, dim] = q.shape;
  const [, keys, kvHeads] = k.shape;
  const groups = heads / kvHeads;
  const scale = 1 / Math.sqrt(dim);
  const times = multiplier();
  const starts = Array.from({ length: Math.ceil(width / chunk) }, (_, i) => i * chunk);
  const size = (start: number): number => Math.min(chunk, width - start);
  const queries = (x: tf.Tensor4D, start: number): tf.Tensor4D => groupHeads(tf.slice(x, [0, start, 0, 0], [-1, size(start), -1, -1]), kvHeads); // [B, kvHeads, g·c, D]
  const maskOf = (all: tf.Tensor4D, start: number): tf.Tensor4D => {
    const byGroup = tf.reshape(all, [all.shape[0] * groups, width, keys]);
    return tf.reshape(tf.slice(byGroup, [0, start, 0], [-1, size(start), -1]), [all.shape[0], 1, groups * size(start), keys]);
  };
  const scaled = (x: tf.Tensor4D, start: number): tf.Tensor4D => tf.mul(queries(x, start), scale);
  const probabilitiesOf = (scaledQ: tf.Tensor4D, groupedK: tf.Tensor4D, all: tf.Tensor4D, start: number): tf.Tensor4D =>
    tf.softmax(tf.add<tf.Tensor4D>(times(scaledQ, groupedK, false, true), maskOf(all, start))); // [B, kvHeads, g·c, S]
  const joined = (parts: tf.Tensor4D[]): tf.Tensor4D => tf.concat(parts, 1); // [B, T, heads, D]

  return fusedOp(
    [q, k, v],
    (save) => {
      const [groupedK, groupedV] = [groupHeads(k, kvHeads), groupHeads(v, kvHeads)];
      const out = joined(starts.map((start) => tf.tidy(() => ungroupHeads(times(probabilitiesOf(scaled(q, start), groupedK, mask, start), groupedV), heads, size(start)))));
      save([q, k, v, out, mask]);
      return out;
    },
    (dy, saved) => {
      const [sq, sk, sv, out, hidden] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      const [dq, dk, dv] = tf.tidy(() => {
        const [groupedK, groupedV] = [groupHeads(sk, kvHeads), groupHeads(sv, kvHeads)];
        let sums = [tf.zeros([batch, kvHeads, keys, dim]), tf.zeros([batch, kvHeads, keys, dim])] as [tf.Tensor4D, tf.Tensor4D];
        const parts = starts.map((start) => {
          const [dQ, ...next] = tf.tidy(() => {
            const scaledQ = scaled(sq, start);
            const probabilities = probabilitiesOf(scaledQ, groupedK, hidden, start);
            const dOut = queries(dy, start);
            const delta = tf.sum(tf.mul(dOut, queries(out, start)), -1, true); // [B, kvHeads, g·c, 1]
            const dScores: tf.Tensor4D = tf.mul(probabilities, tf.sub(times(dOut, groupedV, false, true), delta));
            return [
              ungroupHeads(tf.mul(times(dScores, groupedK), scale), heads, size(start)),
              tf.add(sums[0], times(dScores, scaledQ, true, false)),
              tf.add(sums[1], times(probabilities, dOut, true, false)),
            ];
          }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
          tf.dispose(sums);
          sums = next;
          return dQ;
        });
        return [joined(parts), ungroupHeads(sums[0], kvHeads, keys), ungroupHeads(sums[1], kvHeads, keys)];
      }) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      return [() => dq, () => dk, () => dv];
    },
  );
}
