import { tf } from "@verlet/backend";

/** Numbers of one micro-batch, [B, C] each. */
export interface ValueLossInput {
  /** V now, differentiable. */
  values: tf.Tensor2D;
  /** V before the first update on the batch. */
  oldValues: tf.Tensor2D;
  returns: tf.Tensor2D;
}

/**
 * Half the squared error of each token, the larger one of V and of V kept within ± clip of where it stood: a value that
 * has moved further gains nothing by moving on (Engstrom et al. 2020, §3; verl `compute_value_loss`).
 * @param clip 0 = plain squared error
 * @returns [B, C]
 */
export function valueLoss(input: ValueLossInput, clip: number): tf.Tensor2D {
  const { plain, clipped } = squaredErrors(input, clip);
  return tf.mul(clipped ? tf.maximum(plain, clipped) : plain, 0.5);
}

/** 1 where the clipped error is the larger one and the token has no gradient, [B, C]. */
export function clippedValues(input: ValueLossInput, clip: number): tf.Tensor2D {
  const { plain, clipped } = squaredErrors(input, clip);
  return clipped ? tf.cast(tf.greater(clipped, plain), "float32") : tf.zerosLike(plain);
}

function squaredErrors({ values, oldValues, returns }: ValueLossInput, clip: number): { plain: tf.Tensor2D; clipped?: tf.Tensor2D } {
  const error = (v: tf.Tensor2D): tf.Tensor2D => tf.square(tf.sub(v, returns));
  if (clip === 0) return { plain: error(values) };
  const kept = tf.add<tf.Tensor2D>(oldValues, tf.clipByValue(tf.sub(values, oldValues), -clip, clip));
  return { plain: error(values), clipped: error(kept) };
}
