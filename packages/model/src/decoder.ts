import { compile, HIDDEN, release, scope, tf, type Compiled } from "@verlet/backend";
import type { Decoder } from "@verlet/rollout";
import type { ModelConfig } from "./config.js";
import { decodePass, type DecodeInput, type DecodeOutput, type DecoderWeights, type LayerCache } from "./decode-pass.js";
import { afterNorm, packLayer } from "./packed-layer.js";
import type { RotaryAngles } from "./rotary-table.js";
import type { ModelWeights } from "./transformer.js";

/** One token for each row; a model keeps its compiled step for all its sessions. */
export type DecodeStep = Compiled<DecodeInput, DecodeOutput & { mask?: tf.Tensor4D }>;

export function compileDecodeStep(config: ModelConfig): DecodeStep {
  return compile(
    ({ mask, ...input }: DecodeInput) => {
      const grown = mask && tf.concat([mask, tf.zeros([mask.shape[0], 1, 1, 1])], 3); // the new token hides nothing
      const output = decodePass({ ...input, ...(grown && { mask: grown as tf.Tensor4D }) }, config);
      return { ...output, ...(grown && { mask: grown as tf.Tensor4D }) };
    },
    { name: "decoding" },
  );
}

/**
 * Autoregressive decoding with a key/value cache. The weights are packed once per session, adapters merged in, so a
 * session sees the weights as they were when it began. Prompts are padded on the left.
 */
export class CachedDecoder implements Decoder {
  readonly #config: ModelConfig;
  readonly #angles: RotaryAngles;
  readonly #weights: DecoderWeights;
  readonly #step: DecodeStep;
  #cache: LayerCache[] = [];
  #padding: Int32Array = new Int32Array();
  /** Additive, [B, 1, 1, S], or none when no prompt is padded. */
  #mask?: tf.Tensor4D;
  #length = 0;

  constructor(weights: ModelWeights, config: ModelConfig, angles: RotaryAngles, adapters: boolean, step: DecodeStep) {
    this.#config = config;
    this.#angles = angles;
    this.#step = step;
    this.#weights = scope(() => ({
      embedding: weights.embedding,
      head: afterNorm(weights.head, weights.norm),
      layers: weights.layers.map((layer) => packLayer(layer, config, adapters)),
    }));
  }

  /** @param ids [rows · width], left-padded; @param padding [rows], pad tokens of each row. @returns logits [rows, V] */
  prefill(ids: Int32Array, rows: number, width: number, padding: Int32Array): tf.Tensor2D {
    this.#padding = padding;
    this.#length = width;
    const { heads, kvHeads } = this.#config;
    const { logits, cache, mask } = scope(() => {
      const output = decodePass({ ...this.#input(ids, rows, width), mask: prefillMask(rows, width, padding, heads / kvHeads) }, this.#config);
      return { ...output, mask: padding.some((n) => n > 0) ? paddingMask(padding, width) : undefined };
    });
    this.#cache = cache;
    if (mask) this.#mask = mask;
    return logits;
  }

  /** @param ids [rows], the tokens just sampled. @returns logits [rows, V] for the next ones */
  step(ids: Int32Array): tf.Tensor2D {
    this.#length += 1;
    const { logits, cache, mask } = scope(() => this.#step({ ...this.#input(ids, ids.length, 1), ...(this.#mask && { mask: this.#mask }) }));
    release(this.#cache, this.#mask);
    this.#cache = cache;
    if (mask) this.#mask = mask;
    return logits;
  }

  dispose(): void {
    const { head, layers } = this.#weights;
    release(head, layers, this.#mask, this.#cache);
    this.#cache = [];
  }

  #input(ids: Int32Array, rows: number, width: number): DecodeInput {
    const start = this.#length - width;
    const positions = Int32Array.from({ length: rows * width }, (_, i) => Math.max(0, start + (i % width) - this.#padding[Math.floor(i / width)]!));
    return { weights: this.#weights, ids: tf.tensor1d(ids, "int32"), table: this.#angles.table(positions, rows, width), cache: this.#cache };
  }
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
