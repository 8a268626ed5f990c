import { tf } from "../../tf.js";
import { fusedOp } from "../fused-op.js";
import { multiplier } from "../multiply.js";
import type { FrozenWeight } from "./frozen-weight.js";

/**
 * y = x·Wᵀ + b with a frozen weight, whose numbers exist only while the product is taken: once here, and once more for
 * dx = dy·W. There is no gradient of weight and bias.
 * @param x [N, in]
 * @param bias [out]
 * @returns [N, out]
 */
export function frozenLinear(x: tf.Tensor2D, weight: FrozenWeight, bias?: tf.Tensor1D): tf.Tensor2D {
  const product = multiplier();
  return fusedOp<tf.Tensor2D>(
    [x],
    () => {
      const y = product(x, weight.dense(), false, true); // [N, out]
      return bias ? tf.add(y, bias) : y;
    },
    (dy) => [() => product(dy, weight.dense())],
  );
}
