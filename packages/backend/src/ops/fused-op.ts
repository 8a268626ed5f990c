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
  readonly state: { gradientDepth: number; kernelDepth: number };
  startScope(name: string): void;
  endScope(results?: tf.Tensor[]): void;
  makeTensorFromTensorInfo(info: tf.TensorInfo): tf.Tensor;
  addTapeNode(
    name: string,
    inputs: Record<string, tf.Tensor>,
    outputs: tf.Tensor[],
    gradient: (dys: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => Record<string, Thunk>,
    saved: tf.Tensor[],
    attributes: object,
  ): void;
}

function named<T>(items: readonly T[]): Record<string, T> {
  const record: Record<string, T> = {};
  for (let i = 0; i < items.length; i++) record[i] = items[i]!;
  return record;
}

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
  const { state } = engine;
  const taped = state.gradientDepth > 0 && state.kernelDepth === 0;
  let saved: tf.Tensor[] = [];
  let outputs: T[] | undefined;
  state.kernelDepth += 1; // keeps what follows off the tape
  engine.startScope(NAME);
  try {
    outputs = forward((tensors) => {
      if (taped) saved = tensors.map((tensor) => sharer(engine, tensor));
    });
  } finally {
    engine.endScope(outputs);
    state.kernelDepth -= 1;
  }
  const gradient = (dys: tf.Tensor | tf.Tensor[], kept: tf.Tensor[]): Record<string, Thunk> => named(backward((Array.isArray(dys) ? dys : [dys]) as T[], kept)); // one alone comes by itself
  if (taped) engine.addTapeNode(NAME, named(inputs), outputs, gradient, saved, {});
  return outputs;
}

const NAME = "fused op";

/** Another tensor of the same numbers, which no scope frees; an `Identity` without the way through the engine. */
function sharer(engine: Engine, { dataId, shape, dtype }: tf.Tensor): tf.Tensor {
  tf.backend().incRef(dataId);
  return tf.keep(engine.makeTensorFromTensorInfo({ dataId, shape, dtype }));
}
