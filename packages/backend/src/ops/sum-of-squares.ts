import { tf } from "../tf.js";
import { isNative, rawOp } from "./raw-op.js";

/** Σ x² over all entries. Without a gradient. */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  if (!isNative()) return tf.sum(tf.square(x));
  return tf.tidy(() => tf.mul(rawOp("L2Loss", [x], { types: { T: "float32" } })[0]!, 2)); // L2Loss is half of it
}
