import { tf } from "../tf.js";
import { addProduct } from "./add-low-rank.js";
import { fusedOp, type Thunk } from "./fused-op.js";
import { matrixProduct, takesProducts } from "./matrix-product.js";
import { computeDtype, multiplier, type ComputeDtype, type Multiply } from "./multiply.js";
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
  const dtype = computeDtype();
  const times = multiplier();
  const inputs: tf.Tensor[] = bias ? [x, weight, bias] : [x, weight];
  return fusedOp<T>(
    inputs,
    (save) => {
      save([x, weight]);
      const product = times(rows(x), weight, false, true); // [N, out]
      return like<T>(bias ? tf.add(product, bias) : (product as tf.Tensor2D), [...x.shape.slice(0, -1), out]);
    },
    (dy, saved) => {
      const [savedX, savedWeight] = saved as [T, tf.Tensor2D];
      const dRows = rows(dy);
      return [
        gradientOfInput({ dtype, times }, dRows, savedWeight, x.shape),
        gradientOfWeight({ dtype, times }, dRows, rows(savedX)),
        () => tf.sum(dRows, 0), // [out]
      ];
    },
  );
}

/** The forward pass' format and product. */
interface Arithmetic {
  dtype: ComputeDtype;
  times: Multiply;
}

/** dy·W */
function gradientOfInput({ dtype, times }: Arithmetic, dy: tf.Tensor2D, weight: tf.Tensor2D, shape: readonly number[]): Thunk {
  const thunk: Thunk = () => like(times(dy, weight), shape);
  if (takesProducts(dtype)) return Object.assign(thunk, { into: (sum: tf.Tensor) => like<tf.Tensor>(matrixProduct(dy, weight, { dtype, before: rows(sum) }), shape) });
  if (weight.shape[0] > FEW || !hasKernels()) return thunk;
  return Object.assign(thunk, { into: (sum: tf.Tensor) => like<tf.Tensor>(addProduct(rows(sum), dy, weight, { scale: 1, transposed: false }), shape) });
}

/** dyᵀ·x, [out, in] */
function gradientOfWeight({ dtype, times }: Arithmetic, dy: tf.Tensor2D, x: tf.Tensor2D): Thunk {
  const thunk: Thunk = () => times(dy, x, true, false);
  return takesProducts(dtype) ? Object.assign(thunk, { into: (before: tf.Tensor) => matrixProduct(dy, x, { dtype, transposeA: true, before: before as tf.Tensor2D }) }) : thunk;
}
