/**
 * The forward pass of a pre-norm decoder (Llama, Qwen2, Qwen3): one function a layer, in the order the data flows.
 * Hidden states travel as [B·T, H]; only attention sees the batch and the time axis.
 */
import { attention, gatherRows, HIDDEN, linear, rmsNorm, rotary, swiglu, tf, type RotaryTable } from "@verlet/backend";
import type { Rng } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { adapt, type LoraPair } from "./lora.js";

export interface Projection {
  /** [out, in] */
  weight: tf.Tensor2D;
  /** [out] */
  bias?: tf.Tensor1D;
  adapter?: LoraPair;
}

export interface LayerWeights {
  inputNorm: tf.Tensor1D;
  q: Projection;
  k: Projection;
  v: Projection;
  o: Projection;
  /** [D], Qwen3 only. */
  qNorm?: tf.Tensor1D;
  /** [D], Qwen3 only. */
  kNorm?: tf.Tensor1D;
  mlpNorm: tf.Tensor1D;
  gate: Projection;
  up: Projection;
  down: Projection;
}

export interface ModelWeights {
  /** [V, H] */
  embedding: tf.Tensor2D;
  layers: LayerWeights[];
  /** [H] */
  norm: tf.Tensor1D;
  /** [V, H]; the embedding itself when tied. */
  head: tf.Tensor2D;
}

/** How this pass runs the adapters. */
export interface Pass {
  adapters: boolean;
  /** Seeds LoRA dropout; absent = no dropout. */
  dropout?: Rng;
}

/** What the layers share in one pass. */
export interface Positions {
  rows: number;
  width: number;
  rotary: RotaryTable;
  /** Additive, [1 or B, 1, g·T, S] as `attention` takes it. */
  mask: tf.Tensor4D;
}

/**
 * Final hidden states of every position.
 * @param ids [B·T], int32
 * @returns [B·T, H], after the last norm
 */
export function hiddenStates(ids: tf.Tensor1D, weights: ModelWeights, config: ModelConfig, positions: Positions, pass: Pass): tf.Tensor2D {
  let x = gatherRows(weights.embedding, ids); // [B·T, H]
  for (const layer of weights.layers) {
    x = tf.add(x, selfAttention(rmsNorm(x, layer.inputNorm, config.normEpsilon), layer, config, positions, pass));
    x = tf.add(x, feedForward(rmsNorm(x, layer.mlpNorm, config.normEpsilon), layer, pass));
  }
  return rmsNorm(x, weights.norm, config.normEpsilon);
}

function selfAttention(x: tf.Tensor2D, layer: LayerWeights, config: ModelConfig, { rows, width, rotary: angles, mask }: Positions, pass: Pass): tf.Tensor2D {
  const heads = (projected: tf.Tensor2D, count: number): tf.Tensor4D => tf.reshape(projected, [rows, width, count, config.headDim]);
  const normed = (x4: tf.Tensor4D, norm?: tf.Tensor1D): tf.Tensor4D => (norm ? rmsNorm(x4, norm, config.normEpsilon) : x4);
  const q = rotary(normed(heads(project(x, layer.q, pass), config.heads), layer.qNorm), angles); // [B, T, heads, D]
  const k = rotary(normed(heads(project(x, layer.k, pass), config.kvHeads), layer.kNorm), angles); // [B, T, kvHeads, D]
  const v = heads(project(x, layer.v, pass), config.kvHeads); // [B, T, kvHeads, D]
  const mixed = tf.reshape(attention(q, k, v, mask), [rows * width, config.heads * config.headDim]);
  return project(mixed as tf.Tensor2D, layer.o, pass);
}

function feedForward(x: tf.Tensor2D, layer: LayerWeights, pass: Pass): tf.Tensor2D {
  return project(swiglu(project(x, layer.gate, pass), project(x, layer.up, pass)), layer.down, pass);
}

/** x·Wᵀ, the adapter's part, and the bias; [N, in] → [N, out]. */
function project(x: tf.Tensor2D, { weight, bias, adapter }: Projection, pass: Pass): tf.Tensor2D {
  if (!adapter || !pass.adapters) return linear(x, weight, bias);
  const adapted = adapt(x, linear(x, weight), weight, adapter, pass.dropout);
  return bias ? tf.add(adapted, bias) : adapted;
}

/** Additive mask of causal attention for `groups` query heads to a key head, [1, 1, g·T, T]. */
export function causalMask(width: number, groups: number): tf.Tensor4D {
  const numbers = new Float32Array(width * width);
  for (let t = 0; t < width; t++) numbers.fill(HIDDEN, t * width + t + 1, (t + 1) * width);
  return tf.tidy(() => tf.tile(tf.tensor4d(numbers, [1, 1, width, width]), [1, 1, groups, 1]));
}

/** Causal and hiding the padding given by an attention mask of 0 and 1 [B·T]; [B, 1, g·T, T]. */
export function paddedMask(attentionMask: ArrayLike<number>, rows: number, width: number, groups: number): tf.Tensor4D {
  const numbers = new Float32Array(rows * width * width);
  for (let row = 0; row < rows; row++) {
    for (let t = 0; t < width; t++) {
      for (let s = 0; s < width; s++) {
        if (s > t || !attentionMask[row * width + s]) numbers[(row * width + t) * width + s] = HIDDEN;
      }
    }
  }
  return tf.tidy(() => tf.tile(tf.tensor4d(numbers, [rows, 1, width, width]), [1, 1, groups, 1]));
}
