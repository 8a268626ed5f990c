import { tf } from "../tf.js";
import { isNative, rawOp } from "./raw-op.js";

/** Whether `overwriteRows` is there. */
export const canOverwrite = isNative;

/**
 * Writes rows into a table's own memory and gives back a second tensor on that memory, from which whatever must see the new
 * rows has to be computed. The table must be its owner's alone: every tensor that shares its memory changes with it.
 * @param table [A, S, D]; row i of its A·S rows is [floor(i / S), i mod S]
 * @param at [N], int32
 * @param rows [N, D]
 * @returns [A, S, D]
 */
export function overwriteRows(table: tf.Tensor3D, at: tf.Tensor1D, rows: tf.Tensor2D): tf.Tensor3D {
  const flat = tf.reshape(table, [-1, table.shape[2]]);
  const [written] = rawOp("InplaceUpdate", [flat, at, rows], { types: { T: "float32" } });
  const [shape] = rawOp("Shape", [table], { types: { T: "float32", out_type: "int32" } }); // taken in the graph, so that a compiled function serves every length
  return rawOp("Reshape", [written!, shape!], { types: { T: "float32", Tshape: "int32" } })[0] as tf.Tensor3D;
}
