import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { multiplier } from "./multiply.js";

/** [..., D] as a matrix; what is one already costs no op. */
const rows = (x: tf.Tensor): tf.Tensor2D => (x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape(x, [-1, x.shape[x.shape.length - 1]!]));

const like = <T extends tf.Tensor>(matrix: tf.Tensor2D, shape: readonly number[]): T =>
  (shape.length === 2 ? matrix : tf.reshape(matrix, [...shape])) as unknown as T;

/**
 * y = x·Wᵀ + b, with the weight in Hugging Face's layout.
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]
 * @returns [..., out]
 */
export function linear<T extends tf.Tensor>(x: T, weight: tf.Tensor2D, bias?: tf.Tensor1D): T {
  const out = weight.shape[0];
  const times = multiplier();
  const inputs: tf.Tensor[] = bias ? [x, weight, bias] : [x, weight];
  return fusedOp<T>(
    inputs,
    (save) => {
      save([x, weight]);
      const product = times(rows(x), weight, false, true); // [N, out]
      return like<T>(bias ? tf.add(product, bias) : (product as tf.Tensor2D), [...x.shape.slice(0, -1), out]);
    },
    (dy, [savedX, savedWeight]) => [
      () => like(times(rows(dy), savedWeight as tf.Tensor2D), x.shape),
      () => times(rows(dy), rows(savedX!), true, false), // [out, in]
      () => tf.sum(rows(dy), 0), // [out]
    ],
  );
}
