import { tf } from "@verlet/backend";
import { ModelError, type Parameter, type Rng } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import { decodeFloats, toSafetensorsDtype, type SafetensorsDtype, type WeightDtype } from "./dtype.js";
import { adapterModule, adapterShapes, initialAdapterTensor, loraScale, rowNorms, targetProjections, type LoraConfig, type LoraPair } from "./lora.js";
import type { LayerWeights, ModelWeights, Projection } from "./transformer.js";
import { moduleName, weightShapes, type ProjectionName } from "./weight-names.js";
import { readWeights } from "./weight-files.js";

/** A weight with the format it is kept in on disk. */
export interface StoredParameter extends Parameter {
  readonly dtype: SafetensorsDtype;
}

export type ParameterMap = Map<string, StoredParameter>;

/** A variable with these numbers. */
export const asParameter = (name: string, data: Float32Array, shape: readonly number[], dtype: SafetensorsDtype, trainable: boolean): StoredParameter => ({
  name,
  dtype,
  variable: tf.tidy(() => tf.variable(tf.tensor(data, [...shape], "float32"), trainable)),
});

export function disposeParameters(parameters: ParameterMap): void {
  for (const { variable } of parameters.values()) variable.dispose();
}

function weightNumbers(data: Uint8Array, dtype: SafetensorsDtype, where: string): Float32Array {
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw new ModelError({ where, what: "unsupported weight format", got: dtype, expected: "F32, F16 or BF16" });
  }
  return decodeFloats(data, dtype);
}

/** Reads all weights of a model folder. */
export async function loadBaseParameters(folder: string, config: ModelConfig, trainable: boolean): Promise<ParameterMap> {
  return loadParameters(folder, weightShapes(config), trainable);
}

/** Reads the named weights of a model folder, in the order of `shapes`. */
export async function loadParameters(folder: string, shapes: ReadonlyMap<string, readonly number[]>, trainable: boolean): Promise<ParameterMap> {
  const found: ParameterMap = new Map();
  try {
    await readWeights(folder, shapes, (name, { dtype, data, shape }) => {
      found.set(name, asParameter(name, weightNumbers(data, dtype, `${folder}: ${name}`), shape, dtype, trainable));
    });
  } catch (error) {
    disposeParameters(found);
    throw error;
  }
  return new Map([...shapes.keys()].map((name) => [name, found.get(name)!])); // in the model's order, not the files'
}

/**
 * The weights of a model: those of its folder, or fresh ones.
 * @param start.dtype the format they are to be saved in; each one's own without it
 */
export async function baseParameters(folder: string, config: ModelConfig, start: { init: "pretrained" | "random"; dtype: WeightDtype | undefined; rng: Rng; trainable: boolean }): Promise<ParameterMap> {
  const { init, dtype, rng, trainable } = start;
  const base = init === "random" ? randomBaseParameters(config, toSafetensorsDtype[dtype ?? "float32"], rng) : await loadBaseParameters(folder, config, trainable);
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
export function newAdapterParameters(config: ModelConfig, lora: LoraConfig, base: ParameterMap, rng: Rng): ParameterMap {
  const parameters: ParameterMap = new Map();
  for (const [name, shape] of adapterShapes(config, lora)) {
    const stem = name.slice("base_model.model.".length).replace(/\.lora_magnitude_vector$/, "");
    const data = name.endsWith("lora_magnitude_vector")
      ? (tf.tidy(() => rowNorms(base.get(`${stem}.weight`)!.variable as tf.Tensor2D).dataSync()) as Float32Array)
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
    return { name, shape, dtype: entry.dtype, numbers: weightNumbers(entry.data, entry.dtype, `${where}: ${name}`) };
  });
  return new Map(checked.map(({ name, shape, dtype, numbers }) => [name, asParameter(name, numbers, shape, dtype, true)]));
}

/** Arranges parameters the way the forward pass reads them. */
export function assemble(config: ModelConfig, base: ParameterMap, adapter: ParameterMap | undefined, lora: LoraConfig | undefined): ModelWeights {
  const get = <T extends tf.Tensor>(name: string): T => base.get(name)!.variable as unknown as T;
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
  const embedding = get<tf.Tensor2D>("model.embed_tokens.weight");
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
