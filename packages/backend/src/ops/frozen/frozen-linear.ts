import { tf } from "../../tf.js";
import { fusedOp } from "../fused-op.js";
import { factorOf, hasProducts, matrixProduct, takesProducts } from "../matrix-product.js";
import { computeDtype, multiplier } from "../multiply.js";
import type { FrozenWeight } from "./frozen-weight.js";

/**
 * y = x·Wᵀ + b with a frozen weight, whose numbers exist as float32 only while the product is taken (not at all where it reads
 * bfloat16): once here, and once more for dx = dy·W. There is no gradient of weight and bias.
 * @param x [N, in]
 * @param bias [out]
 * @returns [N, out]
 */
export function frozenLinear(x: tf.Tensor2D, weight: FrozenWeight, bias?: tf.Tensor1D): tf.Tensor2D {
  const dtype = computeDtype();
  const times = multiplier();
  const own = takesProducts(dtype) || (weight.pairs !== undefined && hasProducts(dtype));
  return fusedOp<tf.Tensor2D>(
    [x],
    () => {
      const y = own ? matrixProduct(x, factorOf(weight), { dtype, transposeB: true }) : times(x, weight.dense(), false, true); // [N, out]
      return bias ? tf.add(y, bias) : y;
    },
    (dy) => {
      const ofInput = (before?: tf.Tensor): tf.Tensor => (own ? matrixProduct(dy, factorOf(weight), { dtype, before: before as tf.Tensor2D | undefined }) : times(dy, weight.dense()));
      return [Object.assign(() => ofInput(), own && { into: ofInput })];
    },
  );
}
