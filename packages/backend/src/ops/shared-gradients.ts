import type { tf } from "../tf.js";
import type { Thunk } from "./fused-op.js";

/**
 * Thunks of an op that computes the gradients of all its inputs at once.
 * @param others inputs after the first one
 * @param compute the gradients of the others, after that of the first input where one is `wanted`, which the tensor in `sums` is added to
 */
export function sharedGradients(others: number, compute: (sums: tf.Tensor[], wanted: 0 | 1) => tf.Tensor[]): Thunk[] {
  let computed: tf.Tensor[] = [];
  const first = (...sums: tf.Tensor[]): tf.Tensor => {
    const [gradient, ...rest] = compute(sums, 1);
    computed = rest;
    return gradient!;
  };
  const other = (i: number): tf.Tensor => {
    if (computed[i]?.isDisposed ?? true) computed = compute([], 0); // the first is not asked for, or the tidy that it was asked for in is over
    return computed[i]!;
  };
  return [Object.assign(() => first(), { into: (sum: tf.Tensor) => first(sum) }), ...Array.from({ length: others }, (_, i) => () => other(i))];
}
