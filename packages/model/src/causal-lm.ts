import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gatherRows, scope, tf, tokenLogProbs } from "@verlet/backend";
import { Rng, type LogProbResult, type Policy, type SampledRow, type SamplingOptions, type TargetSelection, type TokenBatch } from "@verlet/core";
import { sampleBatch } from "@verlet/rollout";
import { ADAPTER_WEIGHTS, readAdapterConfig, writeAdapterConfig } from "./adapter-files.js";
import { parseModelConfig, readModelConfig, type ModelConfig } from "./config.js";
import { CachedDecoder } from "./decoder.js";
import { encodeFloats, toSafetensorsDtype, weightDtypes, type SafetensorsDtype, type WeightDtype } from "./dtype.js";
import { mergedWeight, type LoraConfig } from "./lora.js";
import { adapterParametersFrom, assemble, disposeParameters, loadBaseParameters, newAdapterParameters, randomBaseParameters, type ParameterMap, type StoredParameter } from "./parameters.js";
import { RotaryAngles } from "./rotary-table.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { causalMask, hiddenStates, paddedMask, type ModelWeights, type Pass } from "./transformer.js";
import { moduleName, projectionNames } from "./weight-names.js";
import { SINGLE_FILE } from "./weight-files.js";

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
}

/** A causal language model in the Hugging Face layout, as trainers see it: log-probs, sampling, saving. */
export class CausalLM implements Policy {
  readonly config: ModelConfig;
  readonly lora: LoraConfig | undefined;
  readonly folder: string;
  readonly #base: ParameterMap;
  readonly #adapter: ParameterMap | undefined;
  readonly #weights: ModelWeights;
  readonly #angles: RotaryAngles;
  readonly #masks = new Map<number, tf.Tensor4D>();

  private constructor(folder: string, config: ModelConfig, base: ParameterMap, adapter?: ParameterMap, lora?: LoraConfig) {
    this.folder = folder;
    this.config = config;
    this.lora = lora;
    this.#base = base;
    this.#adapter = adapter;
    this.#weights = assemble(config, base, adapter, lora);
    this.#angles = new RotaryAngles(config);
  }

  /** Throws ModelError on an unsupported config, a missing tensor, a wrong shape or a damaged file. */
  static async load(folder: string, { lora, adapter, init = "pretrained", seed = 42, dtype }: LoadOptions = {}): Promise<CausalLM> {
    const config = await readModelConfig(folder);
    const continued = adapter === undefined ? undefined : await readAdapterConfig(adapter);
    const loraConfig = continued?.lora ?? lora;
    const rng = new Rng(seed);
    const base = init === "random"
      ? randomBaseParameters(config, toSafetensorsDtype[dtype ?? "float32"], rng.fork("weights"))
      : await loadBaseParameters(folder, config, !loraConfig);
    if (dtype) for (const [name, parameter] of base) base.set(name, { ...parameter, dtype: toSafetensorsDtype[dtype] });
    if (!loraConfig) return new CausalLM(folder, config, base);
    try {
      const adapterParameters = adapter === undefined
        ? newAdapterParameters(config, loraConfig, base, rng.fork("adapter"))
        : await readAdapter(adapter, config, loraConfig);
      return new CausalLM(folder, config, base, adapterParameters, loraConfig);
    } catch (error) {
      disposeParameters(base);
      throw error;
    }
  }

  /** A model with fresh weights from a parsed config.json, without a folder of its own. */
  static random(configJson: unknown, seed: number): CausalLM {
    const config = parseModelConfig(configJson, "config");
    return new CausalLM(".", config, randomBaseParameters(config, "F32", new Rng(seed).fork("weights")));
  }

  get trainable(): readonly StoredParameter[] {
    return [...(this.#adapter ?? this.#base).values()];
  }

  /** Every base weight under its Hugging Face name. */
  get parameters(): readonly StoredParameter[] {
    return [...this.#base.values()];
  }

  /** The frozen model under the adapter; shares its weights, so it is not disposed of on its own. */
  withoutAdapter(): Pick<Policy, "logProbs"> {
    return { logProbs: (tokens, selection, options) => this.#logProbs(tokens, selection, options, { adapters: false }) };
  }

  logProbs(tokens: TokenBatch, selection: TargetSelection, options: { temperature: number; entropy?: boolean; dropout?: Rng }): LogProbResult {
    return this.#logProbs(tokens, selection, options, { adapters: true, ...(options.dropout && { dropout: options.dropout }) });
  }

  #logProbs(tokens: TokenBatch, { positions }: TargetSelection, options: { temperature: number; entropy?: boolean }, pass: Pass): LogProbResult {
    const { rows, width } = tokens;
    const table = scope(() => this.#angles.table(Int32Array.from({ length: width }, (_, t) => t), 1, width));
    const hidden = hiddenStates(tf.tensor1d(tokens.ids, "int32"), this.#weights, this.config, { rows, width, rotary: table, mask: this.#causal(width) }, pass); // [B·T, H]
    const predictors = tf.tensor1d(positions.map((p) => p - 1), "int32"); // token t is predicted at t − 1
    const targets = tf.tensor1d(positions.map((p) => tokens.ids[p]!), "int32");
    return tokenLogProbs(gatherRows(hidden, predictors), this.#weights.head, targets, options);
  }

  /**
   * Logits of every position, for scoring tools and tests; a large tensor.
   * @param attentionMask [rows · width] of 0 and 1 for batches padded on either side
   * @returns [B, T, V]
   */
  logits(ids: Int32Array, attentionMask: ArrayLike<number>, rows: number, width: number): tf.Tensor3D {
    return tf.tidy(() => {
      const hidden = this.#paddedHidden(ids, attentionMask, rows, width); // [B·T, H]
      return tf.reshape(tf.matMul(hidden, this.#weights.head, false, true), [rows, width, this.config.vocabSize]);
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
    const mask = paddedMask(attentionMask, rows, width, this.config.heads / this.config.kvHeads);
    return hiddenStates(tf.tensor1d(ids, "int32"), this.#weights, this.config, { rows, width, rotary: this.#angles.table(positions, rows, width), mask }, { adapters: true });
  }

  async generate(prompts: readonly (readonly number[])[], options: SamplingOptions, rng: Rng): Promise<SampledRow[]> {
    const decoder = new CachedDecoder(this.#weights, this.config, this.#angles, true);
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
      await writeSafetensors(join(folder, ADAPTER_WEIGHTS), toWrite(this.#adapter.values(), options.dtype));
      return;
    }
    await this.#saveBase(folder, this.parameters, options.dtype);
  }

  /** Writes the whole model with the adapter's change added to its weights. */
  async saveMerged(folder: string, options: { dtype?: WeightDtype } = {}): Promise<void> {
    await mkdir(folder, { recursive: true });
    const merged = new Map<string, tf.Tensor2D>();
    this.#weights.layers.forEach((layer, i) => {
      const all = [layer.q, layer.k, layer.v, layer.o, layer.gate, layer.up, layer.down];
      all.forEach(({ weight, adapter }, j) => adapter && merged.set(`${moduleName(i, projectionNames[j]!)}.weight`, mergedWeight(weight, adapter)));
    });
    try {
      const parameters = [...this.#base.values()].map((p) => ({ ...p, variable: (merged.get(p.name) ?? p.variable) as tf.Variable }));
      await this.#saveBase(folder, parameters, options.dtype);
    } finally {
      tf.dispose([...merged.values()]);
    }
  }

  async #saveBase(folder: string, parameters: readonly StoredParameter[], dtype?: WeightDtype): Promise<void> {
    await writeSafetensors(join(folder, SINGLE_FILE), toWrite(parameters, dtype));
    const raw = { ...this.config.raw };
    const written = dtype ?? commonDtype(parameters);
    if (written) raw["torch_dtype" in raw ? "torch_dtype" : "dtype"] = written; // transformers computes in what stands here
    await writeFile(join(folder, "config.json"), `${JSON.stringify(raw, null, 2)}\n`);
    await copyFile(join(this.folder, "generation_config.json"), join(folder, "generation_config.json")).catch(() => undefined);
  }

  /** Sets the trained weights to those of a folder that `save` wrote; shapes must be equal. */
  async restore(folder: string): Promise<void> {
    const target = this.#adapter ?? this.#base;
    const saved = this.#adapter
      ? await readAdapter(folder, this.config, this.lora!)
      : await loadBaseParameters(folder, this.config, false);
    for (const [name, { variable }] of target) {
      variable.assign(saved.get(name)!.variable);
      saved.get(name)!.variable.dispose();
    }
  }

  dispose(): void {
    disposeParameters(this.#base);
    if (this.#adapter) disposeParameters(this.#adapter);
    tf.dispose([...this.#masks.values()]);
    this.#masks.clear();
  }

  /** Few widths occur in a run; their masks are kept. */
  #causal(width: number): tf.Tensor4D {
    let mask = this.#masks.get(width);
    if (!mask) {
      if (this.#masks.size >= 16) {
        tf.dispose([...this.#masks.values()]);
        this.#masks.clear();
      }
      mask = tf.keep(causalMask(width, this.config.heads / this.config.kvHeads));
      this.#masks.set(width, mask);
    }
    return mask;
  }
}

async function readAdapter(folder: string, config: ModelConfig, lora: LoraConfig): Promise<ParameterMap> {
  const path = join(folder, ADAPTER_WEIGHTS);
  return adapterParametersFrom(await readSafetensors(path), config, lora, path);
}

/** The format that all weights are kept in, if there is one. */
function commonDtype(parameters: readonly StoredParameter[]): WeightDtype | undefined {
  const formats = new Set(parameters.map(({ dtype }) => dtype));
  return weightDtypes.find((name) => formats.size === 1 && formats.has(toSafetensorsDtype[name]));
}

function toWrite(parameters: Iterable<StoredParameter>, dtype?: WeightDtype): Record<string, { dtype: SafetensorsDtype; shape: number[]; data: () => Uint8Array }> {
  return Object.fromEntries([...parameters].map(({ name, variable, dtype: stored }) => {
    const format = dtype ? toSafetensorsDtype[dtype] : stored;
    return [name, { dtype: format, shape: variable.shape, data: () => encodeFloats(variable.dataSync() as Float32Array, format) }];
  }));
}
