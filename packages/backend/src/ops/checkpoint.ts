import { tf } from "../tf.js";
import { after } from "./after.js";
import { fusedOp } from "./fused-op.js";
import { pullback } from "./gradients.js";
import { computeDtype, computeIn } from "./multiply.js";

export interface CheckpointInputs<T extends tf.Tensor> {
  x: T;
  /** Trained tensors that the block reads. */
  weights: readonly tf.Tensor[];
  /** What else it reads that may be gone by the backward pass. */
  constants?: readonly tf.Tensor[];
}

/** @param again tells the second run, for replaying random numbers */
export type Block<T extends tf.Tensor> = (x: T, constants: readonly tf.Tensor[], again: boolean) => T;

/**
 * Gradient checkpointing (Chen et al. 2016): of a block's forward pass only the input is kept; the backward pass runs the
 * block a second time for what its gradients need.
 * @param block the same function of its inputs both times
 */
export function checkpoint<T extends tf.Tensor>(block: Block<T>, { x, weights, constants = [] }: CheckpointInputs<T>): T {
  const dtype = computeDtype();
  return fusedOp<T>(
    [x, ...weights],
    (save) => {
      save([x, ...constants]);
      return block(x, constants, false);
    },
    (dy, [kept, ...rest]) => {
      const input = after(kept as T, dy);
      return pullback(() => computeIn(dtype, () => block(input, rest, true)), [input, ...weights], dy).map((gradient) => () => gradient);
    },
  );
}
