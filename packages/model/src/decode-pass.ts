/** The forward pass of decoding, a pure function of tensors: what `CachedDecoder` compiles. */
import { groupHeads, rotary, tf, type RotaryTable } from "@verlet/backend";
import type { ModelConfig } from "./config.js";
import type { PackedLayer } from "./packed-layer.js";

export interface LayerCache {
  /** [B, kvHeads, S, D] */
  keys: tf.Tensor4D;
  /** [B, kvHeads, S, D] */
  values: tf.Tensor4D;
}

/** The weights as decoding uses them. */
export interface DecoderWeights {
  /** [V, H] */
  embedding: tf.Tensor2D;
  layers: PackedLayer[];
  /** [H, V] */
  head: tf.Tensor2D;
}

export interface DecodeInput {
  weights: DecoderWeights;
  /** [B·T] */
  ids: tf.Tensor1D;
  /** [B, T, 1, D] each */
  table: RotaryTable;
  /** Additive, [1 or B, 1, 1 or g·T, S with the new tokens]; absent where nothing is hidden. */
  mask?: tf.Tensor4D;
  /** Of the tokens before; empty for the prompt. */
  cache: LayerCache[];
}

export interface DecodeOutput {
  /** [B, V], after each row's last token */
  logits: tf.Tensor2D;
  cache: LayerCache[];
}

/** The new tokens' pass through all layers; keys and values are added to the cache. */
export function decodePass({ weights, ids, table, mask, cache: past }: DecodeInput, config: ModelConfig): DecodeOutput {
  const [rows, width] = table.cos.shape;
  let x = tf.gather(weights.embedding, ids) as tf.Tensor2D; // [B·T, H]
  const cache = weights.layers.map((layer, i) => {
    const attended = attend(x, layer, past[i], table, config, mask);
    x = tf.add(x, attended.out);
    x = tf.add(x, feedForward(normalise(x, config.normEpsilon), layer));
    return attended.cache;
  });
  const last = width === 1 ? x : tf.reshape(tf.slice(tf.reshape(x, [rows, width, -1]), [0, width - 1, 0], [rows, 1, x.shape[1]]), [rows, -1]);
  return { logits: tf.matMul(normalise(last as tf.Tensor2D, config.normEpsilon), weights.head), cache };
}

function attend(x: tf.Tensor2D, layer: PackedLayer, past: LayerCache | undefined, table: RotaryTable, config: ModelConfig, mask?: tf.Tensor4D): { out: tf.Tensor2D; cache: LayerCache } {
  const { heads, kvHeads, headDim, normEpsilon } = config;
  const [rows, width] = table.cos.shape;
  const qkv = tf.reshape(product(normalise(x, normEpsilon), layer.qkv, layer.qkvBias), [rows, width, heads + 2 * kvHeads, headDim]);
  const [qk, v] = tf.split(qkv, [heads + kvHeads, kvHeads], 2) as [tf.Tensor4D, tf.Tensor4D];
  const normed = layer.headNorm ? (tf.mul(normalise(qk, normEpsilon), layer.headNorm) as tf.Tensor4D) : qk;
  const [q, k] = tf.split(rotary(normed, table), [heads, kvHeads], 2) as [tf.Tensor4D, tf.Tensor4D];
  const append = (old: tf.Tensor4D | undefined, now: tf.Tensor4D): tf.Tensor4D => {
    const grouped = width === 1 ? tf.reshape(now, [rows, kvHeads, 1, headDim]) : groupHeads(now, kvHeads);
    return (old ? tf.concat([old, grouped], 2) : grouped) as tf.Tensor4D; // [B, kvHeads, S, D]
  };
  const cache = { keys: append(past?.keys, k), values: append(past?.values, v) };
  const grouped = width === 1 ? tf.reshape(q, [rows, kvHeads, heads / kvHeads, headDim]) : groupHeads(q, kvHeads); // [B, kvHeads, g·T, D]
  const scores = tf.matMul(grouped, cache.keys, false, true); // 1/√D is part of the packed q
  const mixed = tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), cache.values); // [B, kvHeads, g·T, D]
  const flat = width === 1 ? mixed : tf.transpose(tf.reshape(mixed, [rows, heads, width, headDim]), [0, 2, 1, 3]);
  return { out: product(tf.reshape(flat, [rows * width, heads * headDim]), layer.o, layer.oBias), cache };
}

/** x / (√D · rms(x)) over the last axis of length D: what uses it has √D in its weight. */
function normalise<T extends tf.Tensor>(x: T, epsilon: number): T {
  const width = x.shape[x.rank - 1]!;
  return tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), -1, true), width * epsilon))) as unknown as T;
}

/** @param weight [in, out] */
function product(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const y: tf.Tensor2D = tf.matMul(x, weight);
  return bias ? tf.add(y, bias) : y;
}

function feedForward(x: tf.Tensor2D, layer: PackedLayer): tf.Tensor2D {
  const [gate, up] = tf.split(product(x, layer.gateUp, layer.gateUpBias), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  return product(tf.mul(tf.mul(gate, tf.sigmoid(gate)), up), layer.down, layer.downBias);
}
