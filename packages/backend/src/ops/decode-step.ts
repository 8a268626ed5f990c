/** A decode step as one op of verlet's own, packages/backend/native/kernels/decode_step.cc. */
import { tf } from "../tf.js";
import type { PackedWeight } from "./packed-weight.js";
import { hasKernels, rawOp } from "./raw-op.js";

/** One layer's weights, laid out for products of few rows. */
export interface StepLayer {
  /** q, k and v in one, H → (heads + 2·kvHeads)·D */
  qkv: PackedWeight;
  qkvBias?: tf.Tensor1D;
  /** Norm weight of each q and k head, [heads + kvHeads, D]. */
  headNorm?: tf.Tensor2D;
  /** heads·D → H */
  o: PackedWeight;
  oBias?: tf.Tensor1D;
  /** H → 2·I */
  gateUp: PackedWeight;
  gateUpBias?: tf.Tensor1D;
  /** I → H */
  down: PackedWeight;
  downBias?: tf.Tensor1D;
}

export interface KernelStep {
  layers: readonly StepLayer[];
  head: PackedWeight;
  /** [B·kvHeads, S, D] each; the new token's keys and values are written into them. */
  cache: readonly { keys: tf.Tensor3D; values: tf.Tensor3D }[];
  /** [B, H] */
  embedded: tf.Tensor2D;
  /** [positions, 1, 1, D] each */
  angles: { cos: tf.Tensor; signedSin: tf.Tensor };
  /** The first column of each row that is not padding, and at the end the new token's column, [B + 1], int32 */
  places: tf.Tensor1D;
}

const numbersOf = ({ full, half }: PackedWeight): tf.Tensor | undefined => full ?? half;

const optionalParts = ["qkvBias", "oBias", "gateUpBias", "downBias", "headNorm"] as const;

/** Whether the op can run a model: verlet's ops are there, every weight lies in panels, and heads are multiples of 16 wide. */
export const canStepAtOnce = ({ layers, head }: Pick<KernelStep, "layers" | "head">, headDim: number): boolean =>
  hasKernels() && headDim % 16 === 0
  && [head, ...layers.flatMap(({ qkv, o, gateUp, down }) => [qkv, o, gateUp, down])].every((weight) => numbersOf(weight)?.rank === 3)
  && layers.every((layer) => optionalParts.every((name) => Boolean(layer[name]) === Boolean(layers[0]![name])));

/**
 * All layers and the head for one token of each row.
 * @returns logits, [B, V]
 */
export function stepAtOnce({ layers, head, cache, embedded, angles, places }: KernelStep, { heads, kvHeads, epsilon }: { heads: number; kvHeads: number; epsilon: number }): tf.Tensor2D {
  const there = (name: (typeof optionalParts)[number]): boolean => Boolean(layers[0]![name]);
  const list = layers.flatMap((layer, i) => [
    numbersOf(layer.qkv), layer.qkvBias, layer.headNorm, numbersOf(layer.o), layer.oBias, numbersOf(layer.gateUp), layer.gateUpBias, numbersOf(layer.down), layer.downBias, cache[i]!.keys, cache[i]!.values,
  ]).concat(numbersOf(head)).filter((tensor) => tensor !== undefined);
  return rawOp("VerletDecodeStep", [embedded, angles.cos, angles.signedSin, places, ...list], {
    ints: { heads, kv_heads: kvHeads, n: list.length },
    floats: { epsilon },
    bools: { head_norm: there("headNorm"), qkv_bias: there("qkvBias"), o_bias: there("oBias"), gate_up_bias: there("gateUpBias"), down_bias: there("downBias") },
  })[0] as tf.Tensor2D;
}
