import { groupHeads, HIDDEN, release, rotary, scope, tf, type RotaryTable } from "@verlet/backend";
import type { Decoder } from "@verlet/rollout";
import type { ModelConfig } from "./config.js";
import { mergedWeight } from "./lora.js";
import type { RotaryAngles } from "./rotary-table.js";
import type { ModelWeights, Projection } from "./transformer.js";

/**
 * One layer's weights laid out for few, fast products: transposed once, so that no step has to, and with the weight of the
 * norm before a product, and that norm's √width, multiplied in.
 */
interface PackedLayer {
  /** q, k and v in one, [H, (heads + 2·kvHeads)·D] */
  qkv: tf.Tensor2D;
  qkvBias?: tf.Tensor1D;
  /** Norm weight of each q and k head, [heads + kvHeads, D]. */
  headNorm?: tf.Tensor2D;
  /** [heads·D, H] */
  o: tf.Tensor2D;
  oBias?: tf.Tensor1D;
  /** [H, 2·I] */
  gateUp: tf.Tensor2D;
  gateUpBias?: tf.Tensor1D;
  /** [I, H] */
  down: tf.Tensor2D;
  downBias?: tf.Tensor1D;
}

interface LayerCache {
  /** [B, kvHeads, S, D] */
  keys: tf.Tensor4D;
  /** [B, kvHeads, S, D] */
  values: tf.Tensor4D;
}

/**
 * Autoregressive decoding with a key/value cache. The weights are packed once per session, adapters merged in, so a
 * session sees the weights as they were when it began. Prompts are padded on the left.
 */
export class CachedDecoder implements Decoder {
  readonly #config: ModelConfig;
  readonly #angles: RotaryAngles;
  readonly #embedding: tf.Tensor2D;
  readonly #head: tf.Tensor2D;
  readonly #layers: PackedLayer[];
  #cache: LayerCache[] = [];
  #padding: Int32Array = new Int32Array();
  /** Additive, [B, 1, 1, S], or none when no prompt is padded. */
  #mask?: tf.Tensor4D;
  #length = 0;

  constructor(weights: ModelWeights, config: ModelConfig, angles: RotaryAngles, adapters: boolean) {
    this.#config = config;
    this.#angles = angles;
    this.#embedding = weights.embedding;
    const packed = scope(() => {
      const head = afterNorm(weights.head, weights.norm); // [H, V]
      return { head, layers: weights.layers.map((layer) => packLayer(layer, config, adapters)) };
    });
    this.#head = packed.head as tf.Tensor2D;
    this.#layers = packed.layers;
  }

  /** @param ids [rows · width], left-padded; @param padding [rows], pad tokens of each row. @returns logits [rows, V] */
  prefill(ids: Int32Array, rows: number, width: number, padding: Int32Array): tf.Tensor2D {
    this.#padding = padding;
    this.#length = width;
    const groups = this.#config.heads / this.#config.kvHeads;
    return this.#advance(ids, rows, width, () => prefillMask(rows, width, padding, groups));
  }

  /** @param ids [rows], the tokens just sampled. @returns logits [rows, V] for the next ones */
  step(ids: Int32Array): tf.Tensor2D {
    this.#length += 1;
    if (this.#mask) {
      const grown = tf.tidy(() => tf.concat([this.#mask!, tf.zeros([ids.length, 1, 1, 1])], 3));
      this.#mask.dispose();
      this.#mask = grown as tf.Tensor4D;
    }
    return this.#advance(ids, ids.length, 1, () => this.#mask);
  }

  dispose(): void {
    release(this.#head, this.#mask, this.#cache, this.#layers);
    this.#cache = [];
  }

  #advance(ids: Int32Array, rows: number, width: number, mask: () => tf.Tensor4D | undefined): tf.Tensor2D {
    const start = this.#length - width;
    const positions = Int32Array.from({ length: rows * width }, (_, i) => Math.max(0, start + (i % width) - this.#padding[Math.floor(i / width)]!));
    const { logits, cache, stepMask } = scope(() => {
      const table = this.#angles.table(positions, rows, width);
      const attentionMask = mask();
      let x = tf.gather(this.#embedding, tf.tensor1d(ids, "int32")) as tf.Tensor2D; // [B·T, H]
      const cache = this.#layers.map((layer, i) => {
        const attended = this.#attend(x, layer, this.#cache[i], rows, width, table, attentionMask);
        x = tf.add(x, attended.out);
        x = tf.add(x, feedForward(normalise(x, this.#config.normEpsilon), layer));
        return attended.cache;
      });
      const last = width === 1 ? x : tf.reshape(tf.slice(tf.reshape(x, [rows, width, -1]), [0, width - 1, 0], [rows, 1, x.shape[1]]), [rows, -1]);
      const logits = tf.matMul(normalise(last as tf.Tensor2D, this.#config.normEpsilon), this.#head); // [B, V]
      const stepMask = width > 1 && this.#padding.some((n) => n > 0) ? paddingMask(this.#padding, width) : undefined;
      return { logits, cache, stepMask };
    });
    release(this.#cache);
    this.#cache = cache;
    if (stepMask) this.#mask = stepMask;
    return logits as tf.Tensor2D;
  }

  #attend(x: tf.Tensor2D, layer: PackedLayer, past: LayerCache | undefined, rows: number, width: number, table: RotaryTable, mask?: tf.Tensor4D): { out: tf.Tensor2D; cache: LayerCache } {
    const { heads, kvHeads, headDim, normEpsilon } = this.#config;
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
}

/** x / (√D · rms(x)) over the last axis of length D: what uses it has √D in its weight. */
function normalise<T extends tf.Tensor>(x: T, epsilon: number): T {
  const width = x.shape[x.rank - 1]!;
  return tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), -1, true), width * epsilon))) as unknown as T;
}

/** A weight [out, in] behind a norm of its input, with the norm's weight and √in multiplied in, transposed: [in, out]. */
function afterNorm(weight: tf.Tensor2D, norm: tf.Tensor1D): tf.Tensor2D {
  return tf.transpose(tf.mul(weight, tf.mul(norm, Math.sqrt(weight.shape[1]))) as tf.Tensor2D);
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

function packLayer(layer: ModelWeights["layers"][number], config: ModelConfig, adapters: boolean): PackedLayer {
  const { heads, kvHeads, headDim } = config;
  const whole = ({ weight, adapter }: Projection): tf.Tensor2D => (adapter && adapters ? mergedWeight(weight, adapter) : weight);
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
    qkv: afterNorm(tf.concat([tf.mul(whole(layer.q), scaled) as tf.Tensor2D, whole(layer.k), whole(layer.v)]), layer.inputNorm),
    o: tf.transpose(whole(layer.o)),
    gateUp: afterNorm(tf.concat([whole(layer.gate), whole(layer.up)]), layer.mlpNorm),
    down: tf.transpose(whole(layer.down)),
  };
  const gateUpBias = biases(layer.gate, layer.up);
  const oBias = biases(layer.o);
  const downBias = biases(layer.down);
  return { ...packed, ...(headNorm && { headNorm }), ...(qkvBias && { qkvBias }), ...(oBias && { oBias }), ...(gateUpBias && { gateUpBias }), ...(downBias && { downBias }) };
}

/** [B, 1, 1, S]: hides each row's padding from single-token queries. */
function paddingMask(padding: Int32Array, width: number): tf.Tensor4D {
  const numbers = new Float32Array(padding.length * width);
  padding.forEach((count, row) => numbers.fill(HIDDEN, row * width, row * width + count));
  return tf.tensor4d(numbers, [padding.length, 1, 1, width]);
}

/** Causal within the prompt and hiding the padding, [B, 1, g·T, T]; [1, 1, g·T, T] when there is no padding. */
function prefillMask(rows: number, width: number, padding: Int32Array, groups: number): tf.Tensor4D {
  const masks = padding.some((n) => n > 0) ? rows : 1;
  const numbers = new Float32Array(masks * width * width);
  for (let row = 0; row < masks; row++) {
    for (let t = 0; t < width; t++) {
      const at = (row * width + t) * width;
      numbers.fill(HIDDEN, at, at + padding[row]!);
      numbers.fill(HIDDEN, at + t + 1, at + width);
    }
  }
  return tf.tile(tf.tensor4d(numbers, [masks, 1, width, width]), [1, 1, groups, 1]);
}
