import { fusedOp, tf } from "@verlet/backend";
import type { KlEstimator } from "@verlet/core";

type Estimate = (difference: tf.Tensor2D) => tf.Tensor2D;

/** exp(x) − x − 1 with x = log p_ref − log p. */
const bregman: Estimate = (x) => tf.sub(tf.sub(tf.exp(x), x), 1);

const k1: Estimate = (d) => d;
const abs: Estimate = (d) => tf.mul(d, tf.sign(d)); // the gradient of tf.abs is −1 at 0, where a policy that has not moved yet stands
const k2: Estimate = (d) => tf.mul(tf.square(d), 0.5);
const unbounded: Estimate = (d) => bregman(tf.neg(d));
const k3: Estimate = (d) => tf.clipByValue(bregman(tf.clipByValue(tf.neg(d), -20, 20)), -10, 10);

/** The estimate's value with the gradient of k2, whose expectation is the gradient of the KL divergence (verl's `+` forms). */
const straightThrough =
  (estimate: Estimate): Estimate =>
  (d) => {
    const slope = k2(d);
    return tf.add(slope, stopGradient(tf.sub(estimate(d), slope)));
  };

/**
 * Per-token estimates of KL(policy ‖ reference) from samples of the policy (Schulman 2020), d = log p − log p_ref.
 * k3 is clamped to ±10 as verl's `low_var_kl` is, which also ends its gradient there; TRL leaves it unbounded.
 */
const estimators: Readonly<Record<KlEstimator, Estimate>> = {
  k1,
  abs,
  k2,
  k3,
  "k3-unbounded": unbounded,
  "k1+": straightThrough(k1),
  "abs+": straightThrough(abs),
  "k2+": k2,
  "k3+": straightThrough(k3),
};

export const klEstimators = Object.keys(estimators) as KlEstimator[];

/** @param logProbs [B, C], differentiable · @param refLogProbs [B, C] · @returns [B, C] */
export function klPenalty(logProbs: tf.Tensor2D, refLogProbs: tf.Tensor2D, estimator: KlEstimator): tf.Tensor2D {
  return estimators[estimator](tf.sub(logProbs, refLogProbs));
}

/** The value alone: nothing flows back through it. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return fusedOp<T>([x], () => tf.clone(x), (dy) => [() => tf.zerosLike(dy)]);
}
