import { tf } from "../tf.js";
import { addProduct } from "./add-low-rank.js";
import { fusedOp, type Thunk } from "./fused-op.js";
import { multiplier } from "./multiply.js";
import { hasKernels } from "./raw-op.js";

/** Outputs up to which a sum and a product are one pass. */
const FEW = 64;

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
      gradientOfInput(() => times(rows(dy), savedWeight as tf.Tensor2D), rows(dy), savedWeight as tf.Tensor2D, x.shape),
      () => times(rows(dy), rows(savedX!), true, false), // [out, in]
      () => tf.sum(rows(dy), 0), // [out]
    ],
  );
}

function gradientOfInput(product: () => tf.Tensor2D, dy: tf.Tensor2D, weight: tf.Tensor2D, shape: readonly number[]): Thunk {
  const thunk: Thunk = () => like(product(), shape);
  if (weight.shape[0] > FEW || !hasKernels()) return thunk;
  return Object.assign(thunk, { into: (sum: tf.Tensor) => like<tf.Tensor>(addProduct(rows(sum), dy, weight, { scale: 1, transposed: false }), shape) });
}
