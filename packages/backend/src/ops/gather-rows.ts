import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { isNative, isNativeGpu, rawOp } from "./raw-op.js";

/**
 * Rows of a table by index: token embeddings, or the hidden states of selected positions.
 * @param table [R, H]
 * @param indices [N], int32, each in [0, R)
 * @returns [N, H]
 */
export function gatherRows(table: tf.Tensor2D, indices: tf.Tensor1D): tf.Tensor2D {
  return fusedOp(
    [table],
    (save) => {
      save([indices]);
      return tf.gather(table, indices);
    },
    (dy, [savedIndices]) => [Object.assign(() => tf.unsortedSegmentSum(dy, savedIndices as tf.Tensor1D, table.shape[0]), isNative() && { into: addRows(dy, savedIndices as tf.Tensor1D) })],
  );
}

/**
 * Adds rows to a table: the embedding's gradient to that of a tied head, without a second table. On a processor in place;
 * a GPU adds equal indices in no order, which only the op with an output of its own allows for.
 */
const addRows = (rows: tf.Tensor2D, indices: tf.Tensor1D) => (table: tf.Tensor): tf.Tensor =>
  isNativeGpu()
    ? rawOp("TensorScatterAdd", [table, tf.expandDims(indices, 1), rows], { types: { T: "float32", Tindices: "int32" } })[0]!
    : rawOp("InplaceAdd", [table, indices, rows], { types: { T: "float32" } })[0]!;

/**
 * Numbers of a flat tensor laid out anew: `out[i] = values[source[i]]`, and 0 where `source[i]` is −1.
 * @param values [N]
 * @param source [product of shape], host indices into `values`; each value is used at most once
 */
export function scatterTo<S extends [number, number]>(values: tf.Tensor1D, source: Int32Array, shape: S): tf.Tensor2D {
  const count = values.shape[0];
  const used = new Int32Array(count).fill(-1);
  source.forEach((from, to) => {
    if (from >= 0) used[from] = to;
  });
  return fusedOp<tf.Tensor2D>(
    [values],
    () => {
      const padded = tf.concat([values, tf.zeros([1])]); // [N + 1]
      const indices = tf.tensor1d(source.map((i) => (i < 0 ? count : i)), "int32");
      return tf.reshape(tf.gather(padded, indices), shape);
    },
    (dy) => [
      () => {
        const padded = tf.concat([tf.reshape(dy, [-1]), tf.zeros([1])]);
        return tf.gather(padded, tf.tensor1d(used.map((i) => (i < 0 ? source.length : i)), "int32"));
      },
    ],
  );
}
