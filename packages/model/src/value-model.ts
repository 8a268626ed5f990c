import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkComputeDtype, computeIn, gatherRows, linear, tf, type ComputeDtype } from "@verlet/backend";
import { Rng, type Critic, type TargetSelection, type TokenBatch } from "@verlet/core";
import { ADAPTER_WEIGHTS, readAdapterConfig, writeAdapterConfig } from "./adapter-files.js";
import { checkBaseDtype, type BaseMap, type FrozenParameter } from "./base-weights.js";
import { Body } from "./body.js";
import { layoutOf } from "./layout.js";
import type { LoadOptions } from "./causal-lm.js";
import { readModelConfig, type ModelConfig } from "./config.js";
import { toSafetensorsDtype, type WeightDtype } from "./dtype.js";
import { adapterShapes, type LoraConfig } from "./lora.js";
import { assemble, baseParameters, disposeParameters, newAdapterParameters, restoreParameters, type ParameterMap, type StoredParameter } from "./parameters.js";
import { writeSafetensors } from "./safetensors.js";
import { assignParameters, readAdapter, toWrite, writable, writeModel } from "./stored-weights.js";
import { HEAD, headConfig, loadHead, zeroHead } from "./value-head.js";
import { weightShapes } from "./weight-names.js";

export interface ValueModelOptions extends LoadOptions {
  /** With an adapter: the frozen weights of a model of the same folder, borrowed instead of read a second time. Their owner must be disposed of later. */
  base?: readonly (StoredParameter | FrozenParameter)[];
}

/** PEFT's name of a head tensor that is saved beside an adapter. */
const inPeft = (name: string): string => `base_model.model.${name}`;

/**
 * A decoder whose head gives one number a token, in transformers' layout of …ForTokenClassification (or, without a bias,
 * …ForSequenceClassification) with one label: a critic, or a reward model. It starts from any folder of a causal language
 * model; a folder with a `score` head keeps that head. Under LoRA the adapter and the head are trained.
 */
export class ValueModel implements Critic {
  readonly config: ModelConfig;
  readonly lora: LoraConfig | undefined;
  readonly folder: string;
  readonly #base: BaseMap;
  readonly #head: ParameterMap;
  readonly #adapter: ParameterMap | undefined;
  readonly #body: Body;
  readonly #borrows: boolean;
  readonly #computeDtype: ComputeDtype;

  private constructor(folder: string, config: ModelConfig, { base, head, adapter, lora, borrows, computeDtype = "float32" }: Parts) {
    this.folder = folder;
    this.config = config;
    this.lora = lora;
    this.#base = base;
    this.#head = head;
    this.#adapter = adapter;
    this.#body = new Body(assemble(config, base, adapter, lora), config);
    this.#borrows = borrows;
    this.#computeDtype = computeDtype;
  }

  /** Throws ModelError as `CausalLM.load` does. */
  static async load(folder: string, { lora, adapter, init = "pretrained", seed = 42, dtype, computeDtype, baseDtype = "float32", base: borrowed }: ValueModelOptions = {}): Promise<ValueModel> {
    if (computeDtype) checkComputeDtype(computeDtype, "model.computeDtype");
    checkBaseDtype(baseDtype, Boolean(lora) || adapter !== undefined);
    const config = { ...(await readModelConfig(folder)), tiedEmbeddings: true }; // as a model without lm_head
    const loraConfig = adapter === undefined ? lora : (await readAdapterConfig(adapter)).lora;
    const rng = new Rng(seed);
    const made: BaseMap[] = [];
    const keep = <T extends BaseMap>(parameters: T): T => {
      made.push(parameters);
      return parameters;
    };
    try {
      const base = borrowed ? bodyOf(borrowed, config) : keep(await baseParameters(folder, config, { init, dtype, rng: rng.fork("weights"), trainable: !loraConfig, baseDtype }));
      const format = dtype ? toSafetensorsDtype[dtype] : base.values().next().value!.dtype;
      const zeros = (): ParameterMap => zeroHead(config, format);
      const head = keep(init === "random" ? zeros() : await loadHead(folder, config, zeros));
      if (!loraConfig) return new ValueModel(folder, config, { base, head, borrows: false, computeDtype });
      const own = adapter === undefined ? newAdapterParameters(config, loraConfig, base, rng.fork("adapter")) : await readAdapter(adapter, adapterShapes(config, loraConfig));
      return new ValueModel(folder, config, { base, head, adapter: own, lora: loraConfig, borrows: borrowed !== undefined, computeDtype });
    } catch (error) {
      made.forEach(disposeParameters);
      throw error;
    }
  }

  get trainable(): readonly StoredParameter[] {
    return [...(this.#adapter ?? (this.#base as ParameterMap)).values(), ...this.#head.values()]; // without an adapter nothing is frozen
  }

  /** Trades time for memory: a pass with gradients keeps only each layer's input, and runs the layer again when it needs more. */
  setGradientCheckpointing(on: boolean): void {
    this.#body.gradientCheckpointing = on;
  }

  values(tokens: TokenBatch, { positions }: TargetSelection, options: { dropout?: Rng } = {}): tf.Tensor1D {
    return this.scores(tokens, positions.map((p) => p - 1), options); // the state in which token t is chosen ends at t − 1
  }

  /**
   * The head's output at given tokens, such as each row's last one for a reward model.
   * @param positions [N], flat: row · T + t
   * @returns [N], differentiable with respect to the trainable parameters
   */
  scores(tokens: TokenBatch, positions: Int32Array, { dropout }: { dropout?: Rng } = {}): tf.Tensor1D {
    const hidden = computeIn(this.#computeDtype, () => this.#body.hidden(layoutOf(tokens), { adapters: true, ...(dropout && { dropout }) })); // [B·T, H]
    const get = <T extends tf.Tensor>(name: string): T | undefined => this.#head.get(`${HEAD}.${name}`)?.variable as T | undefined;
    const scores = linear(gatherRows(hidden, tf.tensor1d(positions, "int32")), get<tf.Tensor2D>("weight")!, get<tf.Tensor1D>("bias")); // [N, 1]
    return tf.reshape(scores, [positions.length]);
  }

  /** Writes adapter and head in PEFT's layout, or the whole model in transformers'. */
  async save(folder: string, { dtype }: { dtype?: WeightDtype } = {}): Promise<void> {
    await mkdir(folder, { recursive: true });
    if (!this.#adapter) {
      await writeModel(folder, headConfig(this.config, this.#hasBias), this.trainable.map(writable), dtype);
      return;
    }
    await writeAdapterConfig(folder, this.lora!, resolve(this.folder), { taskType: this.#hasBias ? "TOKEN_CLS" : "SEQ_CLS", modulesToSave: [HEAD] });
    const head = [...this.#head.values()].map((parameter) => ({ ...parameter, name: inPeft(parameter.name) }));
    await writeSafetensors(join(folder, ADAPTER_WEIGHTS), toWrite([...this.#adapter.values(), ...head].map(writable), dtype));
  }

  async restore(folder: string): Promise<void> {
    const shapes = (parameters: ParameterMap, rename = (name: string): string => name): [string, number[]][] =>
      [...parameters.values()].map(({ name, variable }) => [rename(name), variable.shape]);
    if (!this.#adapter) return restoreParameters(folder, new Map([...(this.#base as ParameterMap), ...this.#head]));
    const head: ParameterMap = new Map([...this.#head].map(([name, parameter]) => [inPeft(name), parameter]));
    assignParameters(new Map([...this.#adapter, ...head]), await readAdapter(folder, new Map([...shapes(this.#adapter), ...shapes(this.#head, inPeft)])));
  }

  dispose(): void {
    for (const parameters of [this.#borrows ? undefined : this.#base, this.#adapter, this.#head]) if (parameters) disposeParameters(parameters);
  }

  get #hasBias(): boolean {
    return this.#head.has(`${HEAD}.bias`);
  }
}

interface Parts {
  base: BaseMap;
  head: ParameterMap;
  adapter?: ParameterMap;
  lora?: LoraConfig;
  borrows: boolean;
  computeDtype?: ComputeDtype | undefined;
}

/** The layers' weights alone. */
function bodyOf(parameters: readonly (StoredParameter | FrozenParameter)[], config: ModelConfig): BaseMap {
  const shapes = weightShapes(config);
  return new Map(parameters.filter(({ name }) => shapes.has(name)).map((parameter) => [parameter.name, parameter]));
}
