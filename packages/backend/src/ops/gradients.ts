/**
 * The backward pass. tfjs keeps what every op saved, and every gradient, until the end of the pass; here each is freed as
 * soon as it is used, so that the peak is what the forward pass saved.
 */
import { sameList } from "@verlet/core";
import { replayed } from "../replay/replayed.js";
import { tf } from "../tf.js";
import type { Thunk } from "./fused-op.js";

/** One op on the tape, as tfjs records it. */
interface TapeNode {
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | undefined)[]) => Record<string, Thunk>;
}

interface Tape {
  activeTape: TapeNode[] | null;
  gradientDepth: number;
  kernelDepth: number;
}

/** Gradients so far, by the id of the tensor they are of. */
type Sums = Map<number, tf.Tensor>;

/**
 * Gradients of a scalar with respect to a fixed, ordered list of variables. Variables the loss does not depend on get
 * zeros, so that the list always matches the optimizer's. The caller owns the results.
 * @param total the gradients so far of the same variables, which the new ones are added to; it is used up
 */
export function gradientsOf(
  loss: () => tf.Scalar,
  variables: readonly tf.Variable[],
  total?: readonly tf.Tensor[],
): { value: tf.Scalar; gradients: tf.Tensor[] } {
  return replayed(() => tf.tidy(() => {
    const sums: Sums = new Map(total?.map((sum, i) => [variables[i]!.id, sum]));
    const value = differentiate(loss, variables, sums, () => tf.scalar(1));
    return { value, gradients: variables.map((variable) => sums.get(variable.id) ?? tf.zerosLike(variable)) };
  })) as unknown as { value: tf.Scalar; gradients: tf.Tensor[] };
}

/**
 * The vector-Jacobian product: gradients of Σ forward() · dy with respect to `xs`, zeros where it does not depend on one.
 * Off any tape that is being recorded, and inside a gradient function as well. The caller's scope owns the results.
 */
export function pullback(forward: () => tf.Tensor, xs: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  return tf.tidy(() => {
    const sums: Sums = new Map();
    differentiate(forward, xs, sums, () => tf.clone(dy));
    return xs.map((x) => sums.get(x.id) ?? tf.zerosLike(x));
  });
}

/** Runs `forward` on a tape of its own and adds the gradients of `xs` to `sums`. */
function differentiate<T extends tf.Tensor>(forward: () => T, xs: readonly tf.Tensor[], sums: Sums, seed: () => tf.Tensor): T {
  const state = tf.engine().state as unknown as Tape;
  const outer = { activeTape: state.activeTape, gradientDepth: state.gradientDepth, kernelDepth: state.kernelDepth };
  const tape: TapeNode[] = [];
  try {
    Object.assign(state, { activeTape: tape, gradientDepth: 1, kernelDepth: 0 });
    const y = tf.tidy(() => tf.clone(forward())); // a tensor of its own, even where an x is handed back
    state.gradientDepth = 0;
    sums.set(y.id, seed());
    backpropagate(tape, xs, sums);
    return y;
  } finally {
    Object.assign(state, outer);
    for (const { saved } of tape) tf.dispose(saved);
  }
}

function backpropagate(tape: readonly TapeNode[], xs: readonly tf.Tensor[], sums: Sums): void {
  const wanted = new Set(xs.map(({ id }) => id));
  const reached = new Set(wanted); // what depends on an x
  for (const { inputs, outputs } of tape) {
    for (const name in inputs) {
      if (!reached.has(inputs[name]!.id)) continue;
      for (const { id } of outputs) reached.add(id);
      break;
    }
  }
  for (let i = tape.length - 1; i >= 0; i--) {
    const node = tape[i]!;
    const names = Object.keys(node.inputs).filter((name) => reached.has(node.inputs[name]!.id));
    if (names.length > 0 && node.outputs.some(({ id }) => sums.has(id))) backThrough(node, names, sums);
    for (const tensor of node.saved) tensor.dispose();
    for (const { id } of node.outputs) {
      if (wanted.has(id)) continue;
      sums.get(id)?.dispose();
      sums.delete(id);
    }
  }
}

/** Adds one op's gradients to those of its inputs of these names. */
function backThrough({ kernelName, inputs, outputs, gradient }: TapeNode, names: readonly string[], sums: Sums): void {
  if (!gradient) throw new Error(`the op ${kernelName} has no gradient`);
  const dys = outputs.map(({ id }) => sums.get(id));
  tf.tidy(() => {
    const before = (tf.engine() as unknown as { nextTensorId(): number }).nextTensorId();
    const thunks = gradient(dys);
    for (const name of names) {
      const x = inputs[name]!;
      const known = sums.get(x.id);
      const thunk = thunks[name]!;
      const result = known ? (thunk.into?.(known) ?? tf.add(known, thunk())) : thunk();
      if (!sameList(result.shape, x.shape)) throw new Error(`a gradient of ${kernelName} has the shape [${result.shape.join()}], its input [${x.shape.join()}]`);
      sums.set(x.id, result.id < before ? tf.clone(result) : result); // one handed through is freed by its owner
      known?.dispose();
    }
    return names.map((name) => sums.get(inputs[name]!.id)!);
  });
}
