import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ModelError, registry } from "@verlet/core";
import { z } from "@verlet/core";
import { parseJson } from "./parse-json.js";

/** How rotary angles are stretched beyond the trained length. */
export type RopeScaling =
  | { type: "default" }
  | { type: "linear"; factor: number }
  | { type: "llama3"; factor: number; lowFrequencyFactor: number; highFrequencyFactor: number; originalMaxPositions: number };

/** A decoder-only transformer, as the forward pass needs to know it. */
export interface ModelConfig {
  modelType: string;
  vocabSize: number;
  hiddenSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  intermediateSize: number;
  normEpsilon: number;
  tiedEmbeddings: boolean;
  /** Biases on q, k and v. */
  qkvBias: boolean;
  outputBias: boolean;
  mlpBias: boolean;
  /** RMS norm on each head of q and k before the rotary embedding (Qwen3). */
  qkNorm: boolean;
  ropeTheta: number;
  ropeScaling: RopeScaling;
  /** Standard deviation of freshly drawn weights. */
  initializerRange: number;
  /** config.json as read, written back unchanged but for the dtype. */
  raw: Readonly<Record<string, unknown>>;
}

const ropeFields = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().optional(),
  factor: z.number().optional(),
  low_freq_factor: z.number().optional(),
  high_freq_factor: z.number().optional(),
  original_max_position_embeddings: z.number().optional(),
});

/** The fields that the three families share; both the flat form (hub) and the nested form (transformers 5) of rope. */
const commonFields = z.looseObject({
  model_type: z.string(),
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  num_key_value_heads: z.int().positive().optional(),
  head_dim: z.int().positive().nullish(),
  intermediate_size: z.int().positive(),
  rms_norm_eps: z.number().positive(),
  hidden_act: z.string().default("silu"),
  tie_word_embeddings: z.boolean().default(false),
  rope_theta: z.number().positive().optional(),
  rope_scaling: ropeFields.nullish(),
  rope_parameters: ropeFields.nullish(),
  initializer_range: z.number().nonnegative().default(0.02),
  use_sliding_window: z.boolean().optional(),
  attention_bias: z.boolean().optional(),
  mlp_bias: z.boolean().optional(),
});

export type CommonFields = z.infer<typeof commonFields>;

/** Reads what all families share; each family sets its own flags on the result. */
export function parseCommonConfig(json: unknown, where: string): { config: ModelConfig; fields: CommonFields } {
  const parsed = commonFields.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new ModelError({ where: `${where}: ${issue.path.join(".")}`, what: "config.json has a field that cannot be used", got: issue.message });
  }
  const fields = parsed.data;
  const unsupported = (what: string, got: string, expected: string): never => {
    throw new ModelError({ where, what, got, expected });
  };
  if (fields.hidden_act !== "silu") unsupported("unsupported activation", fields.hidden_act, "silu");
  if (fields.use_sliding_window) unsupported("sliding-window attention is not supported", "use_sliding_window: true", "false");
  const kvHeads = fields.num_key_value_heads ?? fields.num_attention_heads;
  if (fields.num_attention_heads % kvHeads !== 0) {
    unsupported("attention heads do not divide into key heads", `${fields.num_attention_heads} heads, ${kvHeads} key heads`, "a multiple");
  }
  const rope = { ...fields.rope_scaling, ...fields.rope_parameters };
  const config: ModelConfig = {
    modelType: fields.model_type,
    vocabSize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    layers: fields.num_hidden_layers,
    heads: fields.num_attention_heads,
    kvHeads,
    headDim: fields.head_dim ?? fields.hidden_size / fields.num_attention_heads,
    intermediateSize: fields.intermediate_size,
    normEpsilon: fields.rms_norm_eps,
    tiedEmbeddings: fields.tie_word_embeddings,
    qkvBias: fields.attention_bias ?? false,
    outputBias: fields.attention_bias ?? false,
    mlpBias: fields.mlp_bias ?? false,
    qkNorm: false,
    ropeTheta: rope.rope_theta ?? fields.rope_theta ?? 10000,
    ropeScaling: parseRopeScaling(rope, where),
    initializerRange: fields.initializer_range,
    raw: json as Record<string, unknown>,
  };
  return { config, fields };
}

function parseRopeScaling(rope: z.infer<typeof ropeFields>, where: string): RopeScaling {
  const type = rope.rope_type ?? rope.type ?? "default";
  const need = (key: keyof typeof rope): number => {
    const value = rope[key];
    if (typeof value !== "number") throw new ModelError({ where, what: `rope type ${type} lacks ${key}`, got: String(value), expected: "a number" });
    return value;
  };
  switch (type) {
    case "default":
      return { type };
    case "linear":
      return { type, factor: need("factor") };
    case "llama3":
      return {
        type,
        factor: need("factor"),
        lowFrequencyFactor: need("low_freq_factor"),
        highFrequencyFactor: need("high_freq_factor"),
        originalMaxPositions: need("original_max_position_embeddings"),
      };
    default:
      throw new ModelError({ where, what: "unsupported rope scaling", got: type, expected: "default, linear or llama3" });
  }
}

/** Reads a folder's config.json and lets the registered family of its `model_type` interpret it. */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const path = join(folder, "config.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ModelError({ where: path, what: "no model here", got: "no config.json", expected: "a Hugging Face model folder", fix: "Give model.path a folder with config.json" }, { cause });
  }
  return parseModelConfig(parseJson(text, path), path);
}

/** The same from the parsed JSON. Throws ModelError naming the supported model types. */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const modelType = (json as { model_type?: unknown } | null)?.model_type;
  const families = registry.list("model").map((entry) => entry.name);
  if (typeof modelType !== "string" || !families.includes(modelType)) {
    throw new ModelError({ where, what: "unsupported model_type", got: String(modelType), expected: families.sort().join(", ") });
  }
  const config = familyOf(modelType).parseConfig(json, where);
  if (config.headDim % 2 !== 0) {
    throw new ModelError({ where, what: "the head size cannot be used", got: String(config.headDim), expected: "an even whole number" });
  }
  return config;
}

/** What a `model` plugin provides: how to read its config.json. Weight names follow Hugging Face's Llama layout. */
export interface TransformerFamily {
  readonly modelTypes: readonly string[];
  parseConfig(json: unknown, where: string): ModelConfig;
}

function familyOf(modelType: string): TransformerFamily {
  const Family = registry.get("model", modelType).target as new () => TransformerFamily;
  return new Family();
}
