import { tf } from "../tf.js";
import { addLowRank } from "./add-low-rank.js";
import { frozenLinear } from "./frozen/frozen-linear.js";
import type { FrozenWeight } from "./frozen/frozen-weight.js";
import { fusedOps } from "./fused-op.js";
import { linear } from "./linear.js";
import { factorOf, hasProducts } from "./matrix-product.js";
import { computeDtype } from "./multiply.js";
import { rawOp } from "./raw-op.js";
import { sharedGradients } from "./shared-gradients.js";

/** A weight that is not trained, with a low-rank change that is: W + scale · B·A. */
export interface AdaptedWeight {
  /** [out, in] */
  weight: tf.Tensor2D | FrozenWeight;
  /** [r, in] */
  a: tf.Tensor2D;
  /** [out, r] */
  b: tf.Tensor2D;
  scale: number;
}

/**
 * y = x·Wᵀ + scale · (x·Aᵀ)·Bᵀ of layers with the same input (Hu et al. 2021, equation 3). W + B·A is never made.
 * @param x [N, in]
 * @returns [N, out] of each layer
 */
export function adaptedLinears(x: tf.Tensor2D, layers: readonly AdaptedWeight[]): tf.Tensor2D[] {
  if (!hasProducts(computeDtype())) return layers.map((layer) => adaptedLinearComposed(x, layer));
  return alike(layers) ? fused(x, layers) : layers.flatMap((layer) => fused(x, [layer]));
}

/** Whether one op can take them: there is one scale, and one format of the weights. */
const alike = (layers: readonly AdaptedWeight[]): boolean => layers.every(({ scale, weight }) => scale === layers[0]!.scale && isPairs(weight) === isPairs(layers[0]!.weight));

const isPairs = (weight: tf.Tensor2D | FrozenWeight): boolean => !(weight instanceof tf.Tensor) && weight.pairs !== undefined;

/**
 * One op, and one for the gradients (packages/backend/native/kernels/adapted_linears.cc): x and each dy are laid out once for
 * all their products. With u = x·Aᵀ and du = scale · dy·B: dx = Σ dy·W + du·A, dA = duᵀ·x, dB = scale · dyᵀ·u.
 */
function fused(x: tf.Tensor2D, layers: readonly AdaptedWeight[]): tf.Tensor2D[] {
  const count = layers.length;
  const weights = (): tf.Tensor[] => layers.map(({ weight }) => factorOf(weight)).map((factor) => (factor instanceof tf.Tensor ? factor : factor.pairs));
  const factors = [...layers.map(({ a }) => a), ...layers.map(({ b }) => b)];
  const attributes = { floats: { scale: layers[0]!.scale }, bools: { rounded: computeDtype() === "bfloat16", halves: isPairs(layers[0]!.weight) } };
  return fusedOps<tf.Tensor2D>(
    [x, ...factors],
    (save) => {
      const results = rawOp("VerletAdaptedLinears", [x, ...weights(), ...factors], { ...attributes, ints: { count }, outputs: 2 * count }) as tf.Tensor2D[];
      save([x, ...factors, ...results.slice(count)]); // u is [N, r]
      return results.slice(0, count);
    },
    (dys, [savedX, ...saved]) =>
      sharedGradients(factors.length, (sums, wanted) => {
        const ints = { sums: sums.length, count, wanted };
        return rawOp("VerletAdaptedLinearsGrad", [...sums, savedX!, ...dys, ...weights(), ...saved], { ...attributes, ints, outputs: wanted + 2 * count });
      }),
  );
}

/** The same from a product and a low-rank sum: the definition that the fused form is tested against. */
export function adaptedLinearComposed(x: tf.Tensor2D, { weight, a, b, scale }: AdaptedWeight): tf.Tensor2D {
  const y = weight instanceof tf.Tensor ? linear(x, weight) : frozenLinear(x, weight);
  return addLowRank(y, linear(x, a), b, scale);
}
