import { tf } from "../tf.js";
import { attributesOf, isNative, rawOp } from "./raw-op.js";

/** Σ x² over all entries of all tensors. Without a gradient. */
export function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => {
    if (!isNative()) return tf.addN(tensors.map((x) => tf.tidy((): tf.Scalar => tf.sum(tf.square(x)))));
    return tf.mul(tf.addN(tensors.map((x) => rawOp("L2Loss", [x], attributes)[0] as tf.Scalar)), 2); // L2Loss is half of it
  });
}

const attributes = attributesOf({ types: { T: "float32" } });
