/** verlet's own ops on logits: one pass over memory each. Where `hasKernels` says so. */
import { tf } from "../tf.js";
import { rawOp } from "./raw-op.js";

/** What some columns of logits z say, p = softmax(z) over these columns; [N] each. */
export interface LogitColumns {
  /** z of the target, 0 where it is not among the columns */
  target: tf.Tensor1D;
  /** log Σ exp(z) */
  logSum: tf.Tensor1D;
  /** Σ p·z */
  mean: tf.Tensor1D;
  /** Σ p² */
  squares: tf.Tensor1D;
  /** The highest z, and 1 where its first place is the target's */
  top: tf.Tensor1D;
  hit: tf.Tensor1D;
}

/** @param logits [N, c] · @param targets the target's column, [N], int32 */
export function logitColumns(logits: tf.Tensor2D, targets: tf.Tensor1D): LogitColumns {
  const [target, logSum, mean, squares, top, hit] = rawOp("VerletOfLogits", [logits, targets], { outputs: 6 }) as tf.Tensor1D[];
  return { target: target!, logSum: logSum!, mean: mean!, squares: squares!, top: top!, hit: hit! };
}

/**
 * dy · ∂ log p(target) / ∂z = dy · (1 at the target − exp(z − logSum)).
 * @param logits [N, c] · @param targets [N], int32 · @param logSum over all columns there are, [N] · @param dy [N]
 * @returns [N, c]
 */
export const logitSlopes = (logits: tf.Tensor2D, targets: tf.Tensor1D, logSum: tf.Tensor1D, dy: tf.Tensor1D): tf.Tensor2D =>
  rawOp("VerletLogitSlopes", [logits, targets, logSum, dy])[0] as tf.Tensor2D;
