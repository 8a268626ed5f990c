/**
 * The one door to hand-derived gradients: a forward whose inner ops stay off the tape, and one thunk per input,
 * called only for inputs that lead to a trained tensor (a frozen weight's gradient is never computed).
 */
import { tf } from "../tf.js";

type Save = (tensors: tf.Tensor[]) => void;
/** d loss / d input of one input, in the input's shape. */
export interface Thunk {
  (): tf.Tensor;
  /** The same added to what other uses of the input gave, where that takes less than a tensor of its own. Must not free `sum`; may write into it. */
  into?(sum: tf.Tensor): tf.Tensor;
}

type Thunks = readonly Thunk[];

/** The part of the tfjs engine that `tf.customGrad` itself is written on; it is not in the public types. */
interface Engine {
  runKernelFunc(call: {
    forwardFunc: (backend: unknown, save: Save) => tf.Tensor[];
    backwardsFunc: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, Thunk>;
    inputs: Record<string, tf.Tensor>;
  }): tf.Tensor[];
}

const named = <T>(items: readonly T[]): Record<string, T> => Object.fromEntries(items.map((item, i) => [String(i), item]));

/**
 * One output.
 * @param forward returns the output; tensors given to `save` reach `backward`, everything else is freed.
 * @param backward returns one thunk per input, each giving d loss / d input in the input's shape; they are called in this order.
 */
export function fusedOp<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => T,
  backward: (dy: T, saved: tf.Tensor[]) => Thunks,
): T {
  return fusedOps<T>(inputs, (save) => [forward(save)], ([dy], saved) => backward(dy!, saved))[0]!;
}

/** Several outputs; the gradient of one that the loss does not depend on is zeros. */
export function fusedOps<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: (save: Save) => T[],
  backward: (dys: T[], saved: tf.Tensor[]) => Thunks,
): T[] {
  const engine = tf.engine() as unknown as Engine;
  return engine.runKernelFunc({
    forwardFunc: (_, save) => forward(save),
    backwardsFunc: (dys, saved) => named(backward((Array.isArray(dys) ? dys : [dys]) as T[], saved)), // one alone comes by itself
    inputs: named(inputs),
  }) as T[];
}
