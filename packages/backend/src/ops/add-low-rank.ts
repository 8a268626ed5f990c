import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { multiplier, type Multiply } from "./multiply.js";
import { hasKernels, rawOp } from "./raw-op.js";

/**
 * y + scale · u·Bᵀ, what a low-rank adapter adds (Hu et al. 2021, equation 3); du = scale·dy·B, dB = scale·dyᵀ·u.
 * @param y [N, out]
 * @param u [N, r], r being small
 * @param b [out, r]
 * @returns [N, out]
 */
export function addLowRank(y: tf.Tensor2D, u: tf.Tensor2D, b: tf.Tensor2D, scale: number): tf.Tensor2D {
  const times = multiplier();
  const plus = hasKernels() ? addProduct : composed(times);
  return fusedOp<tf.Tensor2D>(
    [y, u, b],
    (save) => {
      save([u, b]);
      return plus(y, u, b, { scale, transposed: true });
    },
    (dy, [savedU, savedB]) => [
      () => dy,
      () => tf.mul(times(dy, savedB as tf.Tensor2D), scale), // [N, r]
      () => tf.mul(times(dy, savedU as tf.Tensor2D, true, false), scale), // [out, r]
    ],
  );
}

interface ProductOptions {
  scale: number;
  /** w is [m, r], not [r, m]. */
  transposed: boolean;
}

const composed = (times: Multiply) => (y: tf.Tensor2D, u: tf.Tensor2D, w: tf.Tensor2D, { scale, transposed }: ProductOptions): tf.Tensor2D =>
  tf.tidy(() => tf.add(y, tf.mul(times(u, w, false, transposed), scale)));

/**
 * y + scale · u·w in one pass over y, in its own memory where TensorFlow sees that nothing else needs it; float32 whatever
 * the format of products. Needs `hasKernels`.
 * @param u [N, r]
 * @returns [N, m]
 */
export const addProduct = (y: tf.Tensor2D, u: tf.Tensor2D, w: tf.Tensor2D, { scale, transposed }: ProductOptions): tf.Tensor2D =>
  rawOp("VerletAddLowRank", [y, u, w], { floats: { scale }, bools: { transposed } })[0] as tf.Tensor2D;

/** The same from plain ops: the definition that the fused form is tested against. */
export const addLowRankComposed = (y: tf.Tensor2D, u: tf.Tensor2D, b: tf.Tensor2D, scale: number): tf.Tensor2D => tf.add(y, tf.mul(tf.matMul(u, b, false, true), scale));
