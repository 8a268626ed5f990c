import { isNative, tensorOfBytes, tf, type FrozenWeight } from "@verlet/backend";
import { ModelError, type Parameter, type Rng } from "@verlet/core";
import { dense, floatFormat, floatTensor, frozenFormat, frozenTensor, weightOf, type BaseDtype, type BaseMap, type Table, type Weight } from "./base-weights.js";
import type { ModelConfig } from "./config.js";
import { decodeFloats, toSafetensorsDtype, type SafetensorsDtype, type WeightDtype } from "./dtype.js";
import { adapterModule, adapterShapes, initialAdapterTensor, loraScale, rowNorms, targetProjections, type LoraConfig, type LoraPair } from "./lora.js";
import type { SafetensorsEntry } from "./safetensors.js";
import type { LayerWeights, ModelWeights, Projection } from "./transformer.js";
import { moduleName, weightShapes, type ProjectionName } from "./weight-names.js";
import { readWeights } from "./weight-files.js";

/** A weight with the format it is kept in on disk. */
export interface StoredParameter extends Parameter {
  readonly dtype: SafetensorsDtype;
}

export type ParameterMap = Map<string, StoredParameter>;

/** A variable with these numbers. */
export function asParameter(name: string, data: Float32Array, shape: readonly number[], dtype: SafetensorsDtype, trainable: boolean): StoredParameter {
  return tf.tidy(() => {
    // tfjs would hold the array beside TensorFlow's copy until something uses the tensor
    const numbers = isNative() ? tensorOfBytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), "float32", shape) : tf.tensor(data, [...shape], "float32");
    return { name, dtype, variable: tf.variable(numbers, trainable) };
  });
}

export function disposeParameters(parameters: BaseMap): void {
  for (const parameter of parameters.values()) weightOf(parameter).dispose();
}

/** Reads all weights of a model folder, frozen ones in `baseDtype`. */
export async function loadBaseParameters(folder: string, config: ModelConfig, { trainable, baseDtype = "float32" }: { trainable: boolean; baseDtype?: BaseDtype }): Promise<BaseMap> {
  const shapes = weightShapes(config);
  const found: BaseMap = new Map();
  await filling(found, readWeights(folder, shapes, (name, entry) => {
    const where = `${folder}: ${name}`;
    const format = trainable ? "float32" : frozenFormat(name, entry.shape, baseDtype);
    found.set(name, format === "float32" ? readParameter(name, entry, where, trainable) : { name, dtype: entry.dtype, frozen: frozenTensor(entry, format, where) });
  }));
  return new Map([...shapes.keys()].map((name) => [name, found.get(name)!])); // in the model's order, not the files'
}

/** Reads the named weights of a model folder, in the order of `shapes`. */
export async function loadParameters(folder: string, shapes: ReadonlyMap<string, readonly number[]>, trainable: boolean): Promise<ParameterMap> {
  const found: ParameterMap = new Map();
  await filling(found, readWeights(folder, shapes, (name, entry) => void found.set(name, readParameter(name, entry, `${folder}: ${name}`, trainable))));
  return new Map([...shapes.keys()].map((name) => [name, found.get(name)!]));
}

/** Gives each parameter the numbers of its namesake in a model folder; shapes must be equal. */
export async function restoreParameters(folder: string, target: ParameterMap): Promise<void> {
  await readWeights(folder, new Map([...target].map(([name, { variable }]) => [name, variable.shape])), (name, entry) => {
    tf.tidy(() => target.get(name)!.variable.assign(floatTensor(entry, `${folder}: ${name}`)));
  });
}

const readParameter = (name: string, entry: SafetensorsEntry, where: string, trainable: boolean): StoredParameter =>
  ({ name, dtype: entry.dtype, variable: tf.tidy(() => tf.variable(floatTensor(entry, where), trainable)) });

/** Disposes of what is there when the rest cannot be had. */
async function filling(found: BaseMap, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    disposeParameters(found);
    throw error;
  }
}

export interface BaseStart {
  init: "pretrained" | "random";
  /** The format they are to be saved in; each one's own without it. */
  dtype: WeightDtype | undefined;
  rng: Rng;
  trainable: boolean;
  /** Format in memory of weights that are not trained. */
  baseDtype?: BaseDtype;
}

/** The weights of a model: those of its folder, or fresh ones. */
export async function baseParameters(folder: string, config: ModelConfig, start: BaseStart): Promise<BaseMap> {
  const { init, dtype, rng, ...kept } = start;
  const base = init === "random" ? randomBaseParameters(config, toSafetensorsDtype[dtype ?? "float32"], rng) : await loadBaseParameters(folder, config, kept);
  if (dtype) for (const [name, parameter] of base) base.set(name, { ...parameter, dtype: toSafetensorsDtype[dtype] });
  return base;
}

/** Fresh weights as transformers draws them: normal(0, initializer_range), norms 1, biases 0. */
export function randomBaseParameters(config: ModelConfig, dtype: SafetensorsDtype, rng: Rng): ParameterMap {
  const parameters: ParameterMap = new Map();
  for (const [name, shape] of weightShapes(config)) {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.endsWith("norm.weight")) data.fill(1);
    else if (!name.endsWith(".bias")) for (let i = 0; i < data.length; i++) data[i] = rng.normal() * config.initializerRange;
    parameters.set(name, asParameter(name, data, shape, dtype, true));
  }
  return parameters;
}

/** A fresh adapter over the given weights. */
export function newAdapterParameters(config: ModelConfig, lora: LoraConfig, base: BaseMap, rng: Rng): ParameterMap {
  const parameters: ParameterMap = new Map();
  for (const [name, shape] of adapterShapes(config, lora)) {
    const stem = name.slice("base_model.model.".length).replace(/\.lora_magnitude_vector$/, "");
    const data = name.endsWith("lora_magnitude_vector")
      ? (tf.tidy(() => rowNorms(dense(weightOf(base.get(`${stem}.weight`)!) as Weight)).dataSync()) as Float32Array)
      : initialAdapterTensor(name, shape, rng);
    parameters.set(name, asParameter(name, data, shape, "F32", true));
  }
  return parameters;
}

/** Adapter tensors as read from a file, checked against the shapes that its config asks for. */
export function adapterParametersFrom(
  entries: ReadonlyMap<string, { dtype: SafetensorsDtype; shape: number[]; data: Uint8Array }>,
  shapes: ReadonlyMap<string, readonly number[]>,
  where: string,
): ParameterMap {
  const unknown = [...entries.keys()].find((name) => !shapes.has(name));
  if (unknown !== undefined) {
    throw new ModelError({ where, what: "the adapter has a tensor that is not supported", got: unknown, expected: "lora_A and lora_B of linear layers, with DoRA their lora_magnitude_vector" });
  }
  const checked = [...shapes].map(([name, shape]) => {
    const entry = entries.get(name);
    if (!entry) throw new ModelError({ where, what: "a tensor is missing from the adapter", got: `no ${name}`, expected: "one for each target module of adapter_config.json" });
    if (entry.shape.join() !== shape.join()) {
      throw new ModelError({ where: `${where}: ${name}`, what: "wrong shape", got: `[${entry.shape.join(", ")}]`, expected: `[${shape.join(", ")}]` });
    }
    floatFormat(entry.dtype, `${where}: ${name}`);
    return { name, shape, dtype: entry.dtype, numbers: decodeFloats(entry.data, entry.dtype) };
  });
  return new Map(checked.map(({ name, shape, dtype, numbers }) => [name, asParameter(name, numbers, shape, dtype, true)]));
}

/** Arranges parameters the way the forward pass reads them. */
export function assemble(config: ModelConfig, base: BaseMap, adapter: ParameterMap | undefined, lora: LoraConfig | undefined): ModelWeights {
  const get = <T extends tf.Tensor | FrozenWeight>(name: string): T => weightOf(base.get(name)!) as unknown as T;
  const targets = lora ? targetProjections(lora.targetModules) : [];
  const pair = (layer: number, name: ProjectionName): LoraPair | undefined => {
    if (!lora || !adapter || !targets.includes(name)) return undefined;
    const stem = adapterModule(layer, name);
    const part = (suffix: string): tf.Variable | undefined => adapter.get(`${stem}.${suffix}`)?.variable;
    const magnitude = part("lora_magnitude_vector") as tf.Variable<tf.Rank.R1> | undefined;
    return {
      a: part("lora_A.weight") as tf.Variable<tf.Rank.R2>,
      b: part("lora_B.weight") as tf.Variable<tf.Rank.R2>,
      ...(magnitude && { magnitude }),
      scale: loraScale(lora),
      dropout: lora.dropout,
    };
  };
  const projection = (layer: number, name: ProjectionName): Projection => {
    const stem = moduleName(layer, name);
    const adapterPair = pair(layer, name);
    return {
      weight: get(`${stem}.weight`),
      ...(base.has(`${stem}.bias`) && { bias: get<tf.Tensor1D>(`${stem}.bias`) }),
      ...(adapterPair && { adapter: adapterPair }),
    };
  };
  const embedding = get<Table>("model.embed_tokens.weight");
  return {
    embedding,
    layers: Array.from({ length: config.layers }, (_, layer): LayerWeights => {
      const block = `model.layers.${layer}`;
      return {
        inputNorm: get(`${block}.input_layernorm.weight`),
        q: projection(layer, "q_proj"),
        k: projection(layer, "k_proj"),
        v: projection(layer, "v_proj"),
        o: projection(layer, "o_proj"),
        ...(config.qkNorm && { qNorm: get<tf.Tensor1D>(`${block}.self_attn.q_norm.weight`), kNorm: get<tf.Tensor1D>(`${block}.self_attn.k_norm.weight`) }),
        mlpNorm: get(`${block}.post_attention_layernorm.weight`),
        gate: projection(layer, "gate_proj"),
        up: projection(layer, "up_proj"),
        down: projection(layer, "down_proj"),
      };
    }),
    norm: get("model.norm.weight"),
    head: config.tiedEmbeddings ? embedding : get("lm_head.weight"),
  };
}
