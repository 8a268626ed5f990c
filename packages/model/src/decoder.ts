import { canOverwrite, canStepAtOnce, compile, HIDDEN, packWeight, release, scope, stepAtOnce, tf, type Compiled, type ComputeDtype } from "@verlet/backend";
import type { Decoder } from "@verlet/rollout";
import { dense, type Table } from "./base-weights.js";
import type { ModelConfig } from "./config.js";
import { promptPass, stepPass, type DecodeOutput, type DecoderWeights, type LayerCache, type StepInput } from "./decode-pass.js";
import { packLayer } from "./packed-layer.js";
import type { RotaryAngles } from "./rotary-table.js";
import type { ModelWeights } from "./transformer.js";

/** Tokens by which a cache with room grows: attention reads the room too, and growing copies. */
const ROOM = 32;

/** One token for each row; a model keeps its compiled step for all its sessions. */
export type DecodeStep = Compiled<StepInput, DecodeOutput>;

export const compileDecodeStep = (config: ModelConfig): DecodeStep => compile((input: StepInput) => stepPass(input, config), { name: "decoding" });

export interface DecoderOptions {
  adapters: boolean;
  dtype: ComputeDtype;
  /** By default what the backend is best at: a cache with room, written in place, or one that grows with each token. */
  inPlace?: boolean;
}

/**
 * Autoregressive decoding with a key/value cache. The weights are packed once per session, adapters merged in, so a
 * session sees the weights as they were when it began. Prompts are padded on the left.
 */
export class CachedDecoder implements Decoder {
  readonly #config: ModelConfig;
  readonly #angles: RotaryAngles;
  readonly #embedding: Table;
  readonly #weights: DecoderWeights;
  readonly #step: DecodeStep;
  readonly #inPlace: boolean;
  /** One op in place of the compiled step. */
  readonly #atOnce: boolean;
  #cache: LayerCache[] = [];
  /** Pad tokens before each row. */
  #padding: Int32Array = new Int32Array();
  /** Tokens of each row in the cache, padding included. */
  #length = 0;
  /** Of positions beyond the cache's end. */
  #tables?: StepInput["angles"];
  /** What holds until the batch or the number of columns changes. */
  #frame?: Pick<StepInput, "columns" | "first">;

  constructor(weights: ModelWeights, config: ModelConfig, angles: RotaryAngles, step: DecodeStep, { adapters, dtype, inPlace = canOverwrite() }: DecoderOptions) {
    this.#config = config;
    this.#angles = angles;
    this.#step = step;
    this.#inPlace = inPlace;
    this.#embedding = weights.embedding;
    this.#weights = scope(() => ({
      head: scope(() => packWeight(dense(weights.head), { dtype, norm: weights.norm })),
      layers: weights.layers.map((layer) => scope(() => packLayer(layer, config, { adapters, dtype }))),
    }));
    this.#atOnce = inPlace && canStepAtOnce(this.#weights, config.headDim);
  }

  prefill(ids: Int32Array, rows: number, width: number, padding: Int32Array): tf.Tensor2D {
    const { heads, kvHeads } = this.#config;
    const { logits, cache } = scope(() => {
      const positions = Int32Array.from({ length: rows * width }, (_, i) => Math.max(0, (i % width) - padding[Math.floor(i / width)]!));
      const table = this.#angles.table(positions, rows, width);
      return promptPass({ weights: this.#weights, embedded: this.#embed(ids), table, mask: promptMask(rows, width, padding, heads / kvHeads) }, this.#config);
    });
    this.#setCache(cache);
    this.#setPadding(padding);
    this.#length = width;
    return logits;
  }

  select(rows: Int32Array): void {
    const { kvHeads } = this.#config;
    this.#setPadding(rows.map((row) => this.#padding[row]!));
    const from = tf.tensor1d(this.#byKeyHead((i, row) => rows[row]! * kvHeads + (i % kvHeads)), "int32"); // [B·kvHeads]
    this.#replaceCache((x) => tf.gather(x, from));
    from.dispose();
  }

  step(ids: Int32Array): tf.Tensor2D {
    if (this.#inPlace && this.#length === this.#room) this.#grow();
    if (this.#atOnce) {
      const logits = tf.tidy(() => this.#stepAtOnce(ids));
      this.#length += 1;
      return logits;
    }
    const { logits, cache } = scope(() => this.#step(this.#input(ids)));
    if (!this.#inPlace) this.#setCache(cache);
    this.#length += 1;
    return logits;
  }

  #stepAtOnce(ids: Int32Array): tf.Tensor2D {
    const { heads, kvHeads, normEpsilon: epsilon } = this.#config;
    const places = tf.tensor1d([...this.#padding, this.#length], "int32");
    return stepAtOnce({ ...this.#weights, cache: this.#cache, embedded: this.#embed(ids), angles: this.#tablesFor(this.#length), places }, { heads, kvHeads, epsilon });
  }

  dispose(): void {
    const { head, layers } = this.#weights;
    this.#setCache([]);
    release(head, layers, this.#tables, this.#frame);
  }

  #embed(ids: Int32Array): tf.Tensor2D {
    const at = tf.tensor1d(ids, "int32");
    return this.#embedding instanceof tf.Tensor ? tf.gather(this.#embedding, at) : this.#embedding.gather(at);
  }

  /** Columns of the cache. */
  get #room(): number {
    return this.#cache[0]!.keys.shape[1];
  }

  #grow(): void {
    const [rows, , dim] = this.#cache[0]!.keys.shape;
    const more = tf.zeros<tf.Rank.R3>([rows, ROOM - (this.#length % ROOM), dim]);
    this.#replaceCache((x) => tf.concat([x, more], 1));
    more.dispose();
  }

  /** Tensor by tensor, so that the old and the new cache are never there together. */
  #replaceCache(change: (x: tf.Tensor3D) => tf.Tensor3D): void {
    for (const layer of this.#cache) {
      for (const name of ["keys", "values"] as const) {
        const changed = change(layer[name]);
        layer[name].dispose();
        layer[name] = changed;
      }
    }
  }

  #setCache(cache: LayerCache[]): void {
    release(this.#cache);
    this.#cache = cache;
  }

  #setPadding(padding: Int32Array): void {
    this.#padding = padding;
    release(this.#frame);
    this.#frame = undefined;
  }

  #input(ids: Int32Array): StepInput {
    const columns = this.#inPlace ? this.#room : this.#length + 1;
    return {
      weights: this.#weights,
      cache: this.#cache,
      embedded: this.#embed(ids),
      positions: tf.tensor1d(this.#padding.map((pads) => this.#length - pads), "int32"),
      angles: this.#tablesFor(this.#length),
      ...this.#frameOf(columns),
      last: tf.scalar(this.#length),
      ...(this.#inPlace && { slots: tf.tensor1d(this.#byKeyHead((i) => i * columns + this.#length), "int32") }),
    };
  }

  #tablesFor(position: number): StepInput["angles"] {
    if (!this.#tables || this.#tables.cos.shape[0] <= position) {
      release(this.#tables);
      const size = (Math.floor(position / ROOM) + 1) * ROOM;
      this.#tables = kept(() => this.#angles.table(Int32Array.from({ length: size }, (_, i) => i), size, 1));
    }
    return this.#tables;
  }

  #frameOf(columns: number): Pick<StepInput, "columns" | "first"> {
    if (this.#frame?.columns.shape[2] !== columns) {
      release(this.#frame);
      this.#frame = kept(() => ({
        columns: tf.reshape(tf.range(0, columns), [1, 1, columns]),
        first: tf.tensor3d(Float32Array.from(this.#byKeyHead((_, row) => this.#padding[row]!)), [this.#padding.length * this.#config.kvHeads, 1, 1]),
      }));
    }
    return this.#frame!;
  }

  /** A number for each key head of each row. */
  #byKeyHead(of: (i: number, row: number) => number): Int32Array {
    const { kvHeads } = this.#config;
    return Int32Array.from({ length: this.#padding.length * kvHeads }, (_, i) => of(i, Math.floor(i / kvHeads)));
  }
}

/** Tensors that outlive the scope that is open. */
function kept<T>(make: () => T): T {
  return scope(() => {
    const made = make();
    Object.values(made as object).forEach((tensor) => tf.keep(tensor as tf.Tensor));
    return made;
  });
}

/** Causal within the prompt and hiding the padding, [B, 1, g·T, T]; [1, 1, g·T, T] when there is no padding. */
function promptMask(rows: number, width: number, padding: Int32Array, groups: number): tf.Tensor4D {
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
