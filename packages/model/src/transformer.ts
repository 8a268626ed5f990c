/**
 * The forward pass of a pre-norm decoder (Llama, Qwen2, Qwen3): one function a layer, in the order the data flows.
 * Hidden states travel as [B·T, H]; only attention sees the batch and the time axis.
 */
import { add, attention, checkpoint, gatherRows, rmsNorm, rotary, scope, swiglu, tf, type RotaryTable } from "@verlet/backend";
import { Rng } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { multiplied, type Table, type Weight } from "./base-weights.js";
import { adapt, type AdaptedWeight, type LoraPair } from "./lora.js";

export interface Projection {
  /** [out, in] */
  weight: Weight;
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

/** In the order of `projectionNames`. */
export const projectionsOf = ({ q, k, v, o, gate, up, down }: LayerWeights): Projection[] => [q, k, v, o, gate, up, down];

export interface ModelWeights {
  /** [V, H] */
  embedding: Table;
  layers: LayerWeights[];
  /** [H] */
  norm: tf.Tensor1D;
  /** [V, H]; the embedding itself when tied. */
  head: Table;
}

/** How this pass runs the adapters. */
export interface Pass {
  adapters: boolean;
  /** Seeds LoRA dropout; absent = no dropout. */
  dropout?: Rng;
  /** Keep only each layer's input for the backward pass, which then runs the layer again. */
  checkpointing?: boolean;
}

/** What the layers share in one pass. */
export interface Positions {
  rows: number;
  width: number;
  rotary: RotaryTable;
  /** [B, T], as `attention` takes them: which sequence each token is of. */
  sequences?: tf.Tensor2D;
}

/**
 * Final hidden states of every position.
 * @param ids [B·T], int32
 * @returns [B·T, H], after the last norm
 */
export function hiddenStates(ids: tf.Tensor1D, weights: ModelWeights, config: ModelConfig, positions: Positions, pass: Pass): tf.Tensor2D {
  let x = embed(weights.embedding, ids); // [B·T, H]
  for (const layer of weights.layers) x = pass.checkpointing ? checkpointed(x, layer, config, positions, pass) : scope(() => block(x, layer, config, positions, pass));
  return rmsNorm(x, weights.norm, config.normEpsilon);
}

function block(x: tf.Tensor2D, layer: LayerWeights, config: ModelConfig, positions: Positions, pass: Pass): tf.Tensor2D {
  const attended = add(x, selfAttention(rmsNorm(x, layer.inputNorm, config.normEpsilon), layer, config, positions, pass));
  return add(attended, feedForward(rmsNorm(attended, layer.mlpNorm, config.normEpsilon), layer, pass));
}

/** The block under gradient checkpointing; its second run replays the first one's dropout. */
function checkpointed(x: tf.Tensor2D, layer: LayerWeights, config: ModelConfig, positions: Positions, pass: Pass): tf.Tensor2D {
  const drawn = pass.dropout?.save();
  const replay = (): Pass => {
    if (drawn === undefined) return pass;
    const dropout = new Rng(0);
    dropout.restore(drawn);
    return { ...pass, dropout };
  };
  const { rotary: angles, sequences: own } = positions;
  return checkpoint<tf.Tensor2D>(
    (input, [cos, signedSin, sequences], again) =>
      block(input, layer, config, { ...positions, rotary: { cos, signedSin } as RotaryTable, ...(sequences && { sequences: sequences as tf.Tensor2D }) }, again ? replay() : pass),
    { x, weights: trainedTensors(layer, pass.adapters), constants: [angles.cos, angles.signedSin, ...(own ? [own] : [])] },
  );
}

/** What of a layer is trained in this pass. */
function trainedTensors(layer: LayerWeights, adapters: boolean): tf.Tensor[] {
  const { inputNorm, qNorm, kNorm, mlpNorm } = layer;
  const projected = projectionsOf(layer).flatMap(({ weight, bias, adapter }) => [weight, bias, ...(adapters && adapter ? [adapter.a, adapter.b, adapter.magnitude] : [])]);
  return [inputNorm, qNorm, kNorm, mlpNorm, ...projected].filter((tensor) => tensor instanceof tf.Variable && tensor.trainable) as tf.Tensor[];
}

function selfAttention(x: tf.Tensor2D, layer: LayerWeights, config: ModelConfig, { rows, width, rotary: angles, sequences }: Positions, pass: Pass): tf.Tensor2D {
  const heads = (projected: tf.Tensor2D, count: number): tf.Tensor4D => tf.reshape(projected, [rows, width, count, config.headDim]);
  const normed = (x4: tf.Tensor4D, norm?: tf.Tensor1D): tf.Tensor4D => (norm ? rmsNorm(x4, norm, config.normEpsilon) : x4);
  const [queries, keys, values] = projectAll(x, [layer.q, layer.k, layer.v], pass);
  const q = rotary(normed(heads(queries, config.heads), layer.qNorm), angles); // [B, T, heads, D]
  const k = rotary(normed(heads(keys, config.kvHeads), layer.kNorm), angles); // [B, T, kvHeads, D]
  const v = heads(values, config.kvHeads); // [B, T, kvHeads, D]
  const mixed = tf.reshape(attention(q, k, v, sequences), [rows * width, config.heads * config.headDim]);
  return project(mixed as tf.Tensor2D, layer.o, pass);
}

function feedForward(x: tf.Tensor2D, layer: LayerWeights, pass: Pass): tf.Tensor2D {
  const [gate, up] = projectAll(x, [layer.gate, layer.up], pass);
  return project(swiglu(gate, up), layer.down, pass);
}

/** Rows of the embedding, [N, H]. */
const embed = (table: Table, ids: tf.Tensor1D): tf.Tensor2D => (table instanceof tf.Tensor ? gatherRows(table, ids) : table.gather(ids));

const project = (x: tf.Tensor2D, layer: Projection, pass: Pass): tf.Tensor2D => projectAll(x, [layer], pass)[0]!;

/** x·Wᵀ, the adapter's part, and the bias, of layers with the same input; [N, in] → [N, out] each. */
function projectAll<T extends readonly Projection[]>(x: tf.Tensor2D, layers: readonly [...T], pass: Pass): { [layer in keyof T]: tf.Tensor2D } {
  const plain = ({ weight, bias }: Projection): tf.Tensor2D => multiplied(x, weight, bias);
  const adapted = (some: readonly Projection[]): tf.Tensor2D[] =>
    adapt(x, some as (Projection & AdaptedWeight)[], pass.dropout).map((y, i) => (some[i]!.bias ? tf.add(y, some[i]!.bias) : y));
  const has = ({ adapter }: Projection): boolean => pass.adapters && adapter !== undefined;
  return (layers.every(has) ? adapted(layers) : layers.flatMap((layer) => (has(layer) ? adapted([layer]) : plain(layer)))) as { [layer in keyof T]: tf.Tensor2D };
}
