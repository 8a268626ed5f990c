import { packWeight, tf, type ComputeDtype, type StepLayer } from "@verlet/backend";
import { dense } from "./base-weights.js";
import type { ModelConfig } from "./config.js";
import { mergedWeight } from "./lora.js";
import type { ModelWeights, Projection } from "./transformer.js";

/**
 * One layer's weights for few, fast products: laid out once, so that no step has to, and with the weight of the norm before
 * a product, and that norm's √width, multiplied in.
 */
export type PackedLayer = StepLayer;

/** Adapters are merged in where `adapters` says so. */
export function packLayer(layer: ModelWeights["layers"][number], config: ModelConfig, { adapters, dtype }: { adapters: boolean; dtype: ComputeDtype }): PackedLayer {
  const { heads, kvHeads, headDim } = config;
  const whole = ({ weight, adapter }: Projection): tf.Tensor2D => (adapter && adapters ? mergedWeight(weight, adapter) : dense(weight));
  const biases = (...parts: Projection[]): tf.Tensor1D | undefined => {
    if (!parts.some(({ bias }) => bias)) return undefined;
    return tf.concat(parts.map(({ bias, weight }) => bias ?? tf.zeros([weight.shape[0]])));
  };
  // Attention divides by √D: scale q's norm weight where it has one (the norm would undo a scaled q), otherwise q itself.
  const scale = 1 / Math.sqrt(headDim);
  const scaled = layer.qNorm ? 1 : scale;
  const queryBias = biases(layer.q);
  const root = Math.sqrt(headDim);
  const headNorm = layer.qNorm && layer.kNorm && tf.concat([
    tf.tile(tf.expandDims(tf.mul(layer.qNorm, scale * root), 0), [heads, 1]),
    tf.tile(tf.expandDims(tf.mul(layer.kNorm, root), 0), [kvHeads, 1]),
  ]) as tf.Tensor2D; // [heads + kvHeads, D]
  const qkvBias = queryBias && tf.concat([tf.mul(queryBias, scaled) as tf.Tensor1D, biases(layer.k, layer.v)!]);
  const packed: PackedLayer = {
    qkv: packWeight([layer.q, layer.k, layer.v].map(whole), { dtype, norm: layer.inputNorm, scale: scaled }),
    o: packWeight(whole(layer.o), { dtype }),
    gateUp: packWeight([layer.gate, layer.up].map(whole), { dtype, parts: 2, norm: layer.mlpNorm }),
    down: packWeight(whole(layer.down), { dtype }),
  };
  const gateUpBias = biases(layer.gate, layer.up);
  const oBias = biases(layer.o);
  const downBias = biases(layer.down);
  return { ...packed, ...(headNorm && { headNorm }), ...(qkvBias && { qkvBias }), ...(oBias && { oBias }), ...(gateUpBias && { gateUpBias }), ...(downBias && { downBias }) };
}
