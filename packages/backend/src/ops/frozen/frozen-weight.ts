/**
 * Weights that are never trained, kept in fewer bits than float32 and made float32 for the time of a product. Their bits lie
 * in float32 tensors as they are, four bytes an element: nobody computes with those, TensorFlow's Bitcast reads them.
 */
import { tf } from "../../tf.js";

/** A matrix [out, in] in fewer bits. */
export interface FrozenWeight {
  readonly shape: [number, number];
  /** Memory that it takes. */
  readonly bytes: number;
  /** Its numbers where they are kept in bfloat16, two in the place of one float32: [out, in / 2] */
  readonly pairs?: tf.Tensor2D;
  /** The numbers as float32, [out, in]; the caller's scope owns them. */
  dense(): tf.Tensor2D;
  dispose(): void;
}

/** A matrix whose rows are also read on their own: token embeddings, or a head. */
export interface FrozenTable extends FrozenWeight {
  /** @param ids [N], int32. @returns [N, in] */
  gather(ids: tf.Tensor1D): tf.Tensor2D;
  /** [count, in] */
  rows(start: number, count: number): tf.Tensor2D;
}

/** max|x| along the last axis, kept; above 0, so that a row of zeros divides. */
export const largest = (x: tf.Tensor2D): tf.Tensor2D => tf.maximum(tf.max(tf.abs(x), -1, true), 1e-30);
