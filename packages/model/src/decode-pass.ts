/** The forward pass of decoding: all of the prompts once, then one token a row, a pure function of tensors that can be compiled. */
import { groupHeads, HIDDEN, joinPanels, outputAxis, overwriteRows, packedProduct, rotary, scope, swiglu, tf, type PackedWeight, type RotaryTable } from "@verlet/backend";
import type { ModelConfig } from "./config.js";
import type { PackedLayer } from "./packed-layer.js";

export interface LayerCache {
  /** [B·kvHeads, S, D] */
  keys: tf.Tensor3D;
  /** [B·kvHeads, S, D] */
  values: tf.Tensor3D;
}

/** The weights as decoding uses them, but for the embedding. */
export interface DecoderWeights {
  layers: PackedLayer[];
  /** H → V */
  head: PackedWeight;
}

export interface DecodeOutput {
  /** [B, V], after each row's last token */
  logits: tf.Tensor2D;
  cache: LayerCache[];
}

export interface PromptInput {
  weights: DecoderWeights;
  /** The tokens' embeddings, [B·T, H] */
  embedded: tf.Tensor2D;
  /** [B, T, 1, D] each */
  table: RotaryTable;
  /** Additive, [1 or B, 1, g·T, T] */
  mask: tf.Tensor4D;
}

/** The prompts' pass through all layers. */
export function promptPass({ weights, embedded, table, mask }: PromptInput, config: ModelConfig): DecodeOutput {
  const { heads, kvHeads, headDim } = config;
  const [rows, width] = table.cos.shape;
  const { hidden, cache } = layers(weights, embedded, table, config, (q, k, v) => {
    const [keys, values] = [groupHeads(k, kvHeads), groupHeads(v, kvHeads)]; // [B, kvHeads, T, D]
    const scores = tf.matMul(groupHeads(q, kvHeads), keys, false, true); // [B, kvHeads, g·T, T]; 1/√D is part of the packed q
    const mixed = tf.reshape(tf.matMul(tf.softmax(tf.add(scores, mask)), values), [rows, heads, width, headDim]);
    const flat = (x: tf.Tensor4D): tf.Tensor3D => tf.reshape(x, [rows * kvHeads, width, headDim]);
    return { mixed: tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows * width, heads * headDim]), cache: { keys: flat(keys), values: flat(values) } };
  });
  const last: tf.Tensor2D = tf.reshape(tf.slice(tf.reshape(hidden, [rows, width, -1]), [0, width - 1, 0], [rows, 1, -1]), [rows, -1]);
  return { logits: logitsOf(last, weights, config), cache };
}

export interface StepInput {
  weights: DecoderWeights;
  /** The tokens' embeddings, [B, H] */
  embedded: tf.Tensor2D;
  /** Each row's position, [B], int32, into the tables. */
  positions: tf.Tensor1D;
  /** [positions, 1, 1, D] each */
  angles: RotaryTable;
  cache: LayerCache[];
  /** Where the cache has room: the row of each key head, [B·kvHeads], int32, that takes the new token. Without it the cache grows. */
  slots?: tf.Tensor1D;
  /** 0, 1 … along the cache's axis S, the new token included, [1, 1, S] */
  columns: tf.Tensor3D;
  /** The first column of each row that is not padding, [B·kvHeads, 1, 1] */
  first: tf.Tensor3D;
  /** The new token's column. */
  last: tf.Scalar;
}

/** One new token of each row. The cache comes back where it grew; where it has room it is written in place. Holds for every B and S. */
export function stepPass({ weights, embedded, positions, angles, cache: past, slots, columns, first, last }: StepInput, config: ModelConfig): DecodeOutput {
  const { heads, kvHeads, headDim } = config;
  const table = { cos: tf.gather(angles.cos, positions), signedSin: tf.gather(angles.signedSin, positions) }; // [B, 1, 1, D]
  const unseen = tf.logicalOr(tf.less(columns, first), tf.greater(columns, last)); // [B·kvHeads, 1, S]
  const mask = tf.mul(tf.cast(unseen, "float32"), HIDDEN);
  const append = (old: tf.Tensor3D, now: tf.Tensor4D): tf.Tensor3D =>
    slots ? overwriteRows(old, slots, tf.reshape(now, [-1, headDim])) : (tf.concat([old, tf.reshape(now, [-1, 1, headDim])], 1) as tf.Tensor3D);
  const { hidden, cache } = layers(weights, embedded, table, config, (q, k, v, layer) => {
    const keys = append(past[layer]!.keys, k); // [B·kvHeads, S, D]
    const values = append(past[layer]!.values, v); // [B·kvHeads, S, D]
    const scores = tf.matMul(tf.reshape(q, [-1, heads / kvHeads, headDim]), keys, false, true); // [B·kvHeads, g, S]
    const mixed: tf.Tensor2D = tf.reshape(tf.matMul(tf.softmax(tf.add(scores, mask)), values), [-1, heads * headDim]);
    return { mixed, cache: { keys, values } };
  });
  return { logits: logitsOf(hidden, weights, config), cache: slots ? [] : cache };
}

interface Attended {
  /** [B·T, heads·D] */
  mixed: tf.Tensor2D;
  cache: LayerCache;
}

/** q [B, T, heads, D], k and v [B, T, kvHeads, D] */
type Projected = [q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D];

/** Hidden states before the last norm, [B·T, H], and what each layer's attention leaves behind. */
function layers(weights: DecoderWeights, embedded: tf.Tensor2D, table: RotaryTable, config: ModelConfig, attend: (...given: [...Projected, layer: number]) => Attended): { hidden: tf.Tensor2D; cache: LayerCache[] } {
  let hidden = embedded;
  const cache: LayerCache[] = [];
  weights.layers.forEach((layer, i) => {
    const out = scope(() => {
      const { mixed, cache: kept } = attention(hidden, layer, table, config, (...given) => attend(...given, i));
      const x: tf.Tensor2D = tf.add(hidden, product(mixed, layer.o, layer.oBias));
      return { x: tf.add<tf.Tensor2D>(x, feedForward(normalise(x, config.normEpsilon), layer)), kept };
    });
    hidden = out.x;
    cache.push(out.kept);
  });
  return { hidden, cache };
}

function attention(x: tf.Tensor2D, layer: PackedLayer, table: RotaryTable, { heads, kvHeads, headDim, normEpsilon }: ModelConfig, attend: (...given: Projected) => Attended): Attended {
  const qkv = tf.reshape(product(normalise(x, normEpsilon), layer.qkv, layer.qkvBias), [-1, table.cos.shape[1], heads + 2 * kvHeads, headDim]);
  const [qk, v] = tf.split(qkv, [heads + kvHeads, kvHeads], 2) as [tf.Tensor4D, tf.Tensor4D];
  const normed = layer.headNorm ? (tf.mul(normalise(qk, normEpsilon), layer.headNorm) as tf.Tensor4D) : qk;
  const [q, k] = tf.split(rotary(normed, table), [heads, kvHeads], 2) as [tf.Tensor4D, tf.Tensor4D];
  return attend(q, k, v);
}

function feedForward(x: tf.Tensor2D, layer: PackedLayer): tf.Tensor2D {
  const both = layer.gateUpBias ? product(x, layer.gateUp, layer.gateUpBias) : packedProduct(x, layer.gateUp);
  const [gate, up] = tf.split(both, 2, outputAxis(both)) as [tf.Tensor, tf.Tensor];
  return product(joinPanels(swiglu(gate, up)), layer.down, layer.downBias);
}

const logitsOf = (x: tf.Tensor2D, weights: DecoderWeights, config: ModelConfig): tf.Tensor2D => product(normalise(x, config.normEpsilon), weights.head);

/** x / (√D · rms(x)) over the last axis of length D: what uses it has √D in its weight. */
function normalise<T extends tf.Tensor>(x: T, epsilon: number): T {
  const width = x.shape[x.rank - 1]!;
  return tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), -1, true), width * epsilon))) as unknown as T;
}

function product(x: tf.Tensor2D, weight: PackedWeight, bias?: tf.Tensor1D): tf.Tensor2D {
  const y = joinPanels(packedProduct(x, weight));
  return bias ? tf.add(y, bias) : y;
}
