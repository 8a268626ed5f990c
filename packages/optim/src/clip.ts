import { sumOfSquares, type tf } from "@verlet/backend";

/** L2 norm over all tensors together. */
export function globalNorm(gradients: readonly tf.Tensor[]): number {
  const total = sumOfSquares(gradients);
  const [sum] = total.dataSync();
  total.dispose();
  return Math.sqrt(sum!);
}

/** The factor that clipping multiplies every gradient by: min(1, max / (norm + 1e-6)), as torch's `clip_grad_norm_`. */
export const clipFactor = (norm: number, maxNorm: number): number => (maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1);
