/**
 * The one door to hand-derived gradients: a forward whose inner ops stay off the tape, and one thunk per input,
 * called only for inputs that lead to a trained tensor (a frozen weight's gradient is never computed).
 */
import { tf } from "../tf.js";

type Save = (tensors: tf.Tensor[]) => void;
type Thunks = readonly (() => tf.Tensor)[];

/** The part of the tfjs engine that `tf.customGrad` itself is written on; it is not in the public types. */
interface Engine {
  runKernelFunc(call: {
    forwardFunc: (backend: unknown, save: Save) => tf.Tensor | tf.Tensor[];
    backwardsFunc: (dy: tf.Tensor & tf.Tensor[], saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor & tf.Tensor[];
}

const named = <T>(items: readonly T[]): Record<string, T> => Object.fromEntries(items.map((item, i) => [String(i), item]));

/**
 * One output.
 * @param forward returns the output; tensors given to `save` reach `backward`, everything else is freed.
 * @param backward returns one thunk per input, each giving d loss / d input in the input's shape.
 */
export function fusedOp<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => T,
  backward: (dy: T, saved: tf.Tensor[]) => Thunks,
): T {
  const engine = tf.engine() as unknown as Engine;
  return engine.runKernelFunc({
    forwardFunc: (_, save) => forward(save),
    backwardsFunc: (dy, saved) => named(backward(dy as unknown as T, saved)),
    inputs: named(inputs),
  }) as unknown as T;
}

/**
 * Gradients of a scalar with respect to a fixed, ordered list of variables. Variables the loss does not depend on get
 * zeros, so that the list always matches the optimizer's. The caller owns the results.
 */
export function gradientsOf(
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  const list = [...variables];
  const { value, grads } = tf.engine().gradients(loss, list, undefined, true);
  return { value: value as tf.Scalar, gradients: grads.map((g, i) => g ?? tf.zerosLike(list[i]!)) };
}

/** Adds one micro-batch's gradients to the sum so far, freeing both; the caller owns the result. */
export function addGradients(total: tf.Tensor[] | undefined, more: tf.Tensor[]): tf.Tensor[] {
  if (!total) return more;
  const sums = total.map((sum, i) => tf.add(sum, more[i]!));
  tf.dispose([...total, ...more]);
  return sums;
}
