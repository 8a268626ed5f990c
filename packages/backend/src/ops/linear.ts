import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";

const rows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape[x.shape.length - 1]!]);

/**
 * y = x·Wᵀ + b, with the weight in Hugging Face's layout.
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 */
export function linear<T extends tf.Tensor>(x: T, weight: tf.Tensor2D, bias?: tf.Tensor1D): T {
  const out = weight.shape[0];
  const inputs: tf.Tensor[] = bias ? [x, weight, bias] : [x, weight];
  return fusedOp<T>(
    inputs,
    (save) => {
      save([x, weight]);
      const product = tf.matMul(rows(x), weight, false, true); // [N, out]
      return tf.reshape(bias ? tf.add(product, bias) : product, [...x.shape.slice(0, -1), out]) as unknown as T;
    },
    (dy, [savedX, savedWeight]) => [
      () => tf.reshape(tf.matMul(rows(dy), savedWeight as tf.Tensor2D), x.shape),
      () => tf.matMul(rows(dy), rows(savedX!), true, false), // [out, in]
      () => tf.sum(rows(dy), 0), // [out]
    ],
  );
}
