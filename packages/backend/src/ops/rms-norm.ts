import { tf } from "../tf.js";
import { fusedOp } from "./fused-op.js";
import { attributesOf, hasKernels, rawOp } from "./raw-op.js";

/** Mean over the last axis, kept; as a sum, because tfjs's mean copies its input first on the native backend. */
const rowMean = (x: tf.Tensor): tf.Tensor => tf.mul(tf.sum(x, -1, true), 1 / x.shape[x.rank - 1]!);

const inverseRms = (x: tf.Tensor, epsilon: number): tf.Tensor => tf.rsqrt(tf.add(rowMean(tf.square(x)), epsilon)); // [..., 1]

/**
 * Root-mean-square norm over the last axis (Zhang and Sennrich 2019): y = x / √(mean(x²) + ε) · w.
 * With n = x / rms: dx = (dn − n·mean(dn·n)) / rms where dn = dy·w, and dw = Σ dy·n.
 * @param x [..., D]
 * @param weight [D]
 * @returns [..., D]
 */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, epsilon: number): T {
  if (hasKernels()) return kernelRmsNorm(x, weight, epsilon);
  return fusedOp<T>(
    [x, weight],
    (save) => {
      const scale = inverseRms(x, epsilon); // [..., 1]
      const normed = tf.mul(x, scale);
      save([normed, scale, weight]);
      return tf.mul(normed, weight);
    },
    (dy, saved) => {
      const [normed, scale, savedWeight] = saved as [T, tf.Tensor, tf.Tensor1D];
      return [
        () => {
          const dn = tf.mul(dy, savedWeight);
          return tf.mul(tf.sub(dn, tf.mul(normed, rowMean(tf.mul(dn, normed)))), scale);
        },
        () => {
          const products = tf.mul(dy, normed);
          return tf.sum(products, [...products.shape.keys()].slice(0, -1)); // [D]
        },
      ];
    },
  );
}

const two = attributesOf({ outputs: 2 });

/** One pass over memory in each direction. */
function kernelRmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, epsilon: number): T {
  return fusedOp<T>(
    [x, weight],
    (save) => {
      const [y, scale] = rawOp("VerletRmsNorm", [x, weight], { floats: { epsilon }, outputs: 2 }) as [T, tf.Tensor]; // [..., D], [..., 1]
      save([x, weight, scale]);
      return y;
    },
    (dy, [savedX, savedWeight, scale]) => {
      const [dx, dWeight] = rawOp("VerletRmsNormGrad", [dy, savedX!, savedWeight!, scale!], two);
      return [() => dx!, () => dWeight!];
    },
  );
}

/** The same from plain ops: the definition that the fused form is tested against. */
export function rmsNormComposed<T extends tf.Tensor>(x: T, weight: tf.Tensor1D, epsilon: number): T {
  return tf.mul(tf.mul(x, inverseRms(x, epsilon)), weight) as T;
}
