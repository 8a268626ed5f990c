import type { tf } from "../tf.js";
import { adaptedLinears, alike, operands, type AdaptedWeight } from "./adapted-linears.js";
import { fusedOp } from "./fused-op.js";
import { hasProducts } from "./matrix-product.js";
import { computeDtype } from "./multiply.js";
import { rawOp } from "./raw-op.js";
import { sharedGradients } from "./shared-gradients.js";
import { swiglu } from "./swiglu.js";

/** The feed-forward weights of a layer with adapters. */
export interface AdaptedMlp {
  /** [I, H] */
  gate: AdaptedWeight;
  /** [I, H] */
  up: AdaptedWeight;
  /** [H, I] */
  down: AdaptedWeight;
}

/**
 * down(silu(gate(x)) · up(x)).
 * @param x [N, H]
 * @returns [N, H]
 */
export function adaptedMlp(x: tf.Tensor2D, mlp: AdaptedMlp): tf.Tensor2D {
  const takes = hasProducts(computeDtype()) && alike([mlp.gate, mlp.up, mlp.down]) && mlp.gate.b.shape[0] % 2 === 0;
  return takes ? fused(x, mlp) : adaptedMlpComposed(x, mlp);
}

/**
 * One op, and one for the gradients (packages/backend/native/kernels/adapted_mlp.cc): of what is in between, gate and up are
 * kept, in bfloat16 where products are taken in it. Gradients as in `adaptedLinears` and `swiglu`.
 */
function fused(x: tf.Tensor2D, { gate, up, down }: AdaptedMlp): tf.Tensor2D {
  const { weights, factors, ...attributes } = operands([gate, up, down]);
  return fusedOp(
    [x, ...factors],
    (save) => {
      const [y, keptGate, keptUp, ...us] = rawOp("VerletAdaptedMlp", [x, ...weights(), ...factors], { ...attributes, outputs: 6 });
      save([x, ...factors, ...us, keptGate!, keptUp!]); // us are [N, r]
      return y as tf.Tensor2D;
    },
    (dy, [savedX, ...saved]) =>
      sharedGradients(factors.length, (sums, wanted) =>
        rawOp("VerletAdaptedMlpGrad", [...sums, savedX!, dy, ...weights(), ...saved], { ...attributes, ints: { sums: sums.length, wanted }, outputs: wanted + 6 })),
  );
}

/** The same from its layers: the definition that the fused form is tested against. */
export function adaptedMlpComposed(x: tf.Tensor2D, { gate, up, down }: AdaptedMlp): tf.Tensor2D {
  const [g, u] = adaptedLinears(x, [gate, up]) as [tf.Tensor2D, tf.Tensor2D];
  return adaptedLinears(swiglu(g, u), [down])[0]!;
}
