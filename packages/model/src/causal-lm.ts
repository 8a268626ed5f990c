import { copyFile, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkComputeDtype, computeIn, gatherRows, tf, tokenLogProbs, type ComputeDtype } from "@verlet/backend";
import { ModelError, Rng, type LogProbOptions, type LogProbResult, type Policy, type SampledRow, type SamplingOptions, type TargetSelection, type TokenBatch } from "@verlet/core";
import { sampleBatch } from "@verlet/rollout";
import { ADAPTER_WEIGHTS, readAdapterConfig, writeAdapterConfig } from "./adapter-files.js";
import { checkBaseDtype, dense, type BaseDtype, type BaseMap, type FrozenParameter } from "./base-weights.js";
import { Body } from "./body.js";
import { parseModelConfig, readModelConfig, type ModelConfig } from "./config.js";
import { CachedDecoder, compileDecodeStep, type DecodeStep } from "./decoder.js";
import type { WeightDtype } from "./dtype.js";
import { layoutOf } from "./layout.js";
import { adapterShapes, type LoraConfig, type LoraPair } from "./lora.js";
import { assemble, baseParameters, disposeParameters, newAdapterParameters, randomBaseParameters, restoreParameters, type ParameterMap, type StoredParameter } from "./parameters.js";
import { rowFilter } from "./row-filter.js";
import { sharedPrefixes } from "./shared-prefixes.js";
import { writeSafetensors } from "./safetensors.js";
import { assignParameters, mergedWritable, readAdapter, toWrite, writable, writeModel, type WritableTensor } from "./stored-weights.js";
import { projectionsOf, type ModelWeights, type Pass } from "./transformer.js";
import { moduleName, projectionNames } from "./weight-names.js";

export interface LoadOptions {
  /** Start a fresh adapter; the base weights are then frozen. */
  lora?: LoraConfig;
  /** Continue an adapter saved by PEFT or verlet; the base weights are then frozen. */
  adapter?: string;
  /** Draw fresh weights instead of reading them; the folder needs only config.json. */
  init?: "pretrained" | "random";
  /** Seeds fresh weights and fresh adapters. */
  seed?: number;
  /** Format of saved weights; without it each tensor keeps the one it was read in. */
  dtype?: WeightDtype;
  /** Format of matrix products; weights and all else stay float32. */
  computeDtype?: ComputeDtype;
  /** Format of the frozen base weights in memory; one below float32 needs an adapter and the native backend. */
  baseDtype?: BaseDtype;
}

interface Parts {
  base: BaseMap;
  adapter?: ParameterMap;
  lora?: LoraConfig;
  /** The base weights are another model's, which disposes of them. */
  borrows?: boolean;
  computeDtype?: ComputeDtype | undefined;
}

/** A causal language model in the Hugging Face layout, as trainers see it: log-probs, sampling, saving. */
export class CausalLM implements Policy {
  readonly config: ModelConfig;
  readonly lora: LoraConfig | undefined;
  readonly folder: string;
  readonly #base: BaseMap;
  readonly #adapter: ParameterMap | undefined;
  readonly #weights: ModelWeights;
  readonly #body: Body;
  readonly #decodeStep: DecodeStep;
  readonly #borrows: boolean;
  readonly #computeDtype: ComputeDtype;

  private constructor(folder: string, config: ModelConfig, { base, adapter, lora, borrows = false, computeDtype = "float32" }: Parts) {
    this.folder = folder;
    this.config = config;
    this.lora = lora;
    this.#base = base;
    this.#adapter = adapter;
    this.#weights = assemble(config, base, adapter, lora);
    this.#body = new Body(this.#weights, config);
    this.#decodeStep = compileDecodeStep(config);
    this.#borrows = borrows;
    this.#computeDtype = computeDtype;
  }

  /** Throws ModelError on an unsupported config, a missing tensor, a wrong shape or a damaged file. */
  static async load(folder: string, { lora, adapter, init = "pretrained", seed = 42, dtype, computeDtype, baseDtype = "float32" }: LoadOptions = {}): Promise<CausalLM> {
    if (computeDtype) checkComputeDtype(computeDtype, "model.computeDtype");
    checkBaseDtype(baseDtype, Boolean(lora) || adapter !== undefined);
    const config = await readModelConfig(folder);
    const continued = adapter === undefined ? undefined : await readAdapterConfig(adapter);
    const loraConfig = continued?.lora ?? lora;
    const rng = new Rng(seed);
    const base = await baseParameters(folder, config, { init, dtype, rng: rng.fork("weights"), trainable: !loraConfig, baseDtype });
    if (!loraConfig) return new CausalLM(folder, config, { base, computeDtype });
    try {
      const adapterParameters = adapter === undefined
        ? newAdapterParameters(config, loraConfig, base, rng.fork("adapter"))
        : await readAdapter(adapter, adapterShapes(config, loraConfig));
      return new CausalLM(folder, config, { base, adapter: adapterParameters, lora: loraConfig, computeDtype });
    } catch (error) {
      disposeParameters(base);
      throw error;
    }
  }

  /** A model with fresh weights from a parsed config.json, without a folder of its own. */
  static random(configJson: unknown, seed: number, computeDtype?: ComputeDtype): CausalLM {
    const config = parseModelConfig(configJson, "config");
    return new CausalLM(".", config, { base: randomBaseParameters(config, "F32", new Rng(seed).fork("weights")), computeDtype });
  }

  get trainable(): readonly StoredParameter[] {
    return [...(this.#adapter ?? (this.#base as ParameterMap)).values()]; // without an adapter nothing is frozen
  }

  /** Every base weight under its Hugging Face name. */
  get parameters(): readonly (StoredParameter | FrozenParameter)[] {
    return [...this.#base.values()];
  }

  /** The frozen model under the adapter; shares its weights, so it is not disposed of on its own. */
  withoutAdapter(): Pick<Policy, "logProbs"> {
    return { logProbs: (tokens, selection, options) => this.#logProbs(tokens, selection, options, { adapters: false }) };
  }

  /**
   * A model with an adapter of its own over this one's frozen weights, which it borrows: it costs the adapter alone and
   * must be disposed of first.
   * @param options.adapter the folder of an adapter to start from; without it a fresh one, which changes nothing yet
   */
  async withOwnAdapter({ adapter, seed = 42 }: Pick<LoadOptions, "adapter" | "seed"> = {}): Promise<CausalLM> {
    const { lora, config, folder } = this;
    if (!lora) throw new ModelError({ where: folder, what: "all weights of this model are trained, so none can be borrowed", fix: "Load the folder a second time" });
    const parameters = adapter === undefined ? newAdapterParameters(config, lora, this.#base, new Rng(seed).fork("adapter")) : await readAdapter(adapter, adapterShapes(config, lora));
    return new CausalLM(folder, config, { base: this.#base, adapter: parameters, lora, borrows: true, computeDtype: this.#computeDtype });
  }

  /** Trades time for memory: a pass with gradients keeps only each layer's input, and runs the layer again when it needs more. */
  setGradientCheckpointing(on: boolean): void {
    this.#body.gradientCheckpointing = on;
  }

  logProbs(tokens: TokenBatch, selection: TargetSelection, options: LogProbOptions): LogProbResult {
    const drops = options.dropout && this.lora !== undefined && this.lora.dropout > 0;
    return this.#logProbs(tokens, selection, options, { adapters: true, ...(drops && { dropout: options.dropout }) });
  }

  #logProbs(tokens: TokenBatch, selection: TargetSelection, options: LogProbOptions, pass: Pass): LogProbResult {
    return computeIn(this.#computeDtype, () => this.#selectedLogProbs(tokens, selection, options, pass));
  }

  #selectedLogProbs(tokens: TokenBatch, { positions }: TargetSelection, options: LogProbOptions, pass: Pass): LogProbResult {
    const shared = pass.dropout ? undefined : sharedPrefixes(tokens, this.config); // dropout draws for each row's own tokens
    const hidden = this.#body.hidden(shared ?? layoutOf(tokens), pass); // [B·T, H]
    const predictors = tf.tensor1d(positions.map((p) => shared?.places[p - 1] ?? p - 1), "int32"); // token t is predicted at t − 1
    const targets = tf.tensor1d(positions.map((p) => tokens.ids[p]!), "int32");
    const { temperature, entropy = false, sumSquares = false, mostLikely = false } = options;
    const filter = rowFilter(options.filter);
    return tokenLogProbs(gatherRows(hidden, predictors), this.#weights.head, targets, { temperature, entropy, sumSquares, mostLikely, ...(filter && { filter }) });
  }

  /**
   * Logits of every position, for scoring tools and tests; a large tensor.
   * @param attentionMask [rows · width] of 0 and 1 for batches padded on either side
   * @returns [B, T, V]
   */
  logits(ids: Int32Array, attentionMask: ArrayLike<number>, rows: number, width: number): tf.Tensor3D {
    return tf.tidy(() => {
      const hidden = this.#paddedHidden(ids, attentionMask, rows, width); // [B·T, H]
      return tf.reshape(tf.matMul(hidden, dense(this.#weights.head), false, true), [rows, width, this.config.vocabSize]);
    });
  }

  #paddedHidden(ids: Int32Array, attentionMask: ArrayLike<number>, rows: number, width: number): tf.Tensor2D {
    const positions = new Int32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      for (let t = 0, seen = 0; t < width; t++) {
        seen += attentionMask[row * width + t]!;
        positions[row * width + t] = Math.max(0, seen - 1);
      }
    }
    const sequences = Float32Array.from(attentionMask); // the padding is a sequence of its own
    return this.#body.hidden({ ids, rows, width, positions, sequences }, { adapters: true });
  }

  async generate(prompts: readonly (readonly number[])[], options: SamplingOptions, rng: Rng): Promise<SampledRow[]> {
    const decoder = new CachedDecoder(this.#weights, this.config, this.#body.angles, this.#decodeStep, { adapters: true, dtype: this.#computeDtype });
    try {
      return await sampleBatch(decoder, prompts, options, rng);
    } finally {
      decoder.dispose();
    }
  }

  /** Writes the adapter in PEFT's layout, or the whole model in transformers'. */
  async save(folder: string, options: { dtype?: WeightDtype } = {}): Promise<void> {
    await mkdir(folder, { recursive: true });
    if (this.#adapter) {
      await writeAdapterConfig(folder, this.lora!, resolve(this.folder));
      await writeSafetensors(join(folder, ADAPTER_WEIGHTS), toWrite([...this.#adapter.values()].map(writable), options.dtype));
      return;
    }
    await this.#saveModel(folder, this.trainable.map(writable), options.dtype);
  }

  /** Writes the whole model with the adapter's change added to its weights, as the base model's files have them. */
  async saveMerged(folder: string, options: { dtype?: WeightDtype } = {}): Promise<void> {
    await mkdir(folder, { recursive: true });
    const adapters = new Map(this.#weights.layers.flatMap((layer, i) =>
      projectionsOf(layer).map(({ adapter }, j): [string, LoraPair | undefined] => [`${moduleName(i, projectionNames[j]!)}.weight`, adapter])));
    await this.#saveModel(folder, [...this.#base.values()].map((parameter) => mergedWritable(parameter, adapters.get(parameter.name), this.folder)), options.dtype);
  }

  async #saveModel(folder: string, tensors: readonly WritableTensor[], dtype?: WeightDtype): Promise<void> {
    await writeModel(folder, this.config.raw, tensors, dtype);
    await copyFile(join(this.folder, "generation_config.json"), join(folder, "generation_config.json")).catch(() => undefined);
  }

  /** Sets the trained weights to those of a folder that `save` wrote; shapes must be equal. */
  async restore(folder: string): Promise<void> {
    if (!this.#adapter) return restoreParameters(folder, this.#base as ParameterMap);
    assignParameters(this.#adapter, await readAdapter(folder, adapterShapes(this.config, this.lora!)));
  }

  dispose(): void {
    if (!this.#borrows) disposeParameters(this.#base);
    if (this.#adapter) disposeParameters(this.#adapter);
    this.#decodeStep.dispose();
  }
}
