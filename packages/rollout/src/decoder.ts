import type { tf } from "@verlet/backend";

/** What sampling needs of a model: next-token logits, one step at a time. */
export interface Decoder {
  /** @param ids [rows · width], left-padded · @param padding [rows], pad tokens of each row. Returns logits [rows, V], owned by the caller. */
  prefill(ids: Int32Array, rows: number, width: number, padding: Int32Array): tf.Tensor2D;
  /** Goes on with these rows of the batch, in this order; a row may come several times or not at all. */
  select(rows: Int32Array): void;
  /** @param ids [rows], the tokens just chosen. Returns logits [rows, V], owned by the caller. */
  step(ids: Int32Array): tf.Tensor2D;
}
