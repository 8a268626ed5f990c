import { tf } from "../tf.js";
import { addLowRank } from "./add-low-rank.js";
import { frozenLinear } from "./frozen/frozen-linear.js";
import type { FrozenWeight } from "./frozen/frozen-weight.js";
import { fusedOp, type Thunk } from "./fused-op.js";
import { linear } from "./linear.js";
import { factorOf, hasProducts, matrixProduct } from "./matrix-product.js";
import { computeDtype } from "./multiply.js";

/** A low-rank change of a weight: scale · B·A. */
export interface Adapter {
  /** [r, in] */
  a: tf.Tensor2D;
  /** [out, r] */
  b: tf.Tensor2D;
  scale: number;
}

/**
 * y = x·Wᵀ + scale · (x·Aᵀ)·Bᵀ with a weight that is not trained (Hu et al. 2021, equation 3). W + B·A is never made.
 * @param x [N, in]
 * @param weight [out, in]
 * @returns [N, out]
 */
export function adaptedLinear(x: tf.Tensor2D, weight: tf.Tensor2D | FrozenWeight, adapter: Adapter): tf.Tensor2D {
  return hasProducts(computeDtype()) ? fused(x, weight, adapter) : adaptedLinearComposed(x, weight, adapter);
}

/** With u = x·Aᵀ and du = scale · dy·B: dx = dy·W + du·A, dA = duᵀ·x, dB = scale · dyᵀ·u. */
function fused(x: tf.Tensor2D, weight: tf.Tensor2D | FrozenWeight, { a, b, scale }: Adapter): tf.Tensor2D {
  const dtype = computeDtype();
  return fusedOp<tf.Tensor2D>(
    [x, a, b],
    (save) => {
      const u = matrixProduct(x, a, { dtype, transposeB: true }); // [N, r]
      save([x, u, a, b]);
      return matrixProduct(x, factorOf(weight), { dtype, transposeB: true, low: { u, v: b, scale } });
    },
    (dy, saved) => {
      const [savedX, u, savedA, savedB] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const du = tf.mul(matrixProduct(dy, savedB, { dtype }), scale) as tf.Tensor2D; // [N, r]
      const dx = (before?: tf.Tensor2D): tf.Tensor2D => matrixProduct(dy, factorOf(weight), { dtype, before, low: { u: du, v: savedA, scale: 1 } }); // [N, in]
      const ofInput: Thunk = Object.assign(() => dx(), { into: (sum: tf.Tensor) => dx(sum as tf.Tensor2D) });
      return [
        ofInput,
        () => matrixProduct(du, savedX, { dtype, transposeA: true }), // [r, in]
        () => tf.mul(matrixProduct(dy, u, { dtype, transposeA: true }), scale), // [out, r]
      ];
    },
  );
}

/** The same from a product and a low-rank sum: the definition that the fused form is tested against. */
export function adaptedLinearComposed(x: tf.Tensor2D, weight: tf.Tensor2D | FrozenWeight, { a, b, scale }: Adapter): tf.Tensor2D {
  const y = weight instanceof tf.Tensor ? linear(x, weight) : frozenLinear(x, weight);
  return addLowRank(y, linear(x, a), b, scale);
}
