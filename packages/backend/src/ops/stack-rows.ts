import { tf } from "../tf.js";
import { canOverwrite } from "./in-place.js";
import { rawOp } from "./raw-op.js";

/**
 * A table from blocks of its rows, in their order; the blocks are disposed of. On the native backend each is written into
 * its place when it comes, so that a large table is never there twice.
 * @param shape [R, W] of the table
 */
export function stackRows(blocks: Iterable<tf.Tensor2D>, shape: [number, number]): tf.Tensor2D {
  if (!canOverwrite()) return joined([...blocks]);
  const table = tf.tidy(() => rawOp("Empty", [tf.tensor1d(shape, "int32")], { types: { dtype: "float32" }, bools: { init: false } })[0]!);
  let start = 0;
  for (const block of blocks) {
    const end = start + block.shape[0];
    tf.tidy(() => void rawOp("InplaceUpdate", [table, tf.range(start, end, 1, "int32"), block], { types: { T: "float32" } }));
    block.dispose();
    start = end;
  }
  return table as tf.Tensor2D;
}

function joined(blocks: tf.Tensor2D[]): tf.Tensor2D {
  const table: tf.Tensor2D = tf.concat(blocks);
  tf.dispose(blocks);
  return table;
}
