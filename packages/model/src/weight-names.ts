import type { ModelConfig } from "./config.js";

/** The linear layers of a block that LoRA can adapt, with their place under `model.layers.N.`. */
export const projections = {
  q_proj: "self_attn.q_proj",
  k_proj: "self_attn.k_proj",
  v_proj: "self_attn.v_proj",
  o_proj: "self_attn.o_proj",
  gate_proj: "mlp.gate_proj",
  up_proj: "mlp.up_proj",
  down_proj: "mlp.down_proj",
} as const;

export type ProjectionName = keyof typeof projections;

export const projectionNames = Object.keys(projections) as ProjectionName[];

/** [out, in] of each projection. */
export function projectionShape(config: ModelConfig, name: ProjectionName): [number, number] {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = config;
  switch (name) {
    case "q_proj":
      return [heads * headDim, hiddenSize];
    case "k_proj":
    case "v_proj":
      return [kvHeads * headDim, hiddenSize];
    case "o_proj":
      return [hiddenSize, heads * headDim];
    case "gate_proj":
    case "up_proj":
      return [intermediateSize, hiddenSize];
    case "down_proj":
      return [hiddenSize, intermediateSize];
  }
}

function hasBias(config: ModelConfig, name: ProjectionName): boolean {
  if (name === "o_proj") return config.outputBias;
  return name === "q_proj" || name === "k_proj" || name === "v_proj" ? config.qkvBias : config.mlpBias;
}

export const moduleName = (layer: number, name: ProjectionName): string => `model.layers.${layer}.${projections[name]}`;

/** Every tensor of the model with its shape, in Hugging Face's order. */
export function weightShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize, headDim, vocabSize } = config;
  const shapes = new Map<string, number[]>([["model.embed_tokens.weight", [vocabSize, hiddenSize]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    for (const name of projectionNames) {
      const shape = projectionShape(config, name);
      shapes.set(`${moduleName(layer, name)}.weight`, shape);
      if (hasBias(config, name)) shapes.set(`${moduleName(layer, name)}.bias`, [shape[0]]);
    }
    const block = `model.layers.${layer}`;
    if (config.qkNorm) {
      shapes.set(`${block}.self_attn.q_norm.weight`, [headDim]);
      shapes.set(`${block}.self_attn.k_norm.weight`, [headDim]);
    }
    shapes.set(`${block}.input_layernorm.weight`, [hiddenSize]);
    shapes.set(`${block}.post_attention_layernorm.weight`, [hiddenSize]);
  }
  shapes.set("model.norm.weight", [hiddenSize]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [vocabSize, hiddenSize]);
  return shapes;
}

/** Parameters that weight decay leaves out, as transformers does: norm weights and biases. */
export const isDecayed = (name: string): boolean => !name.endsWith(".bias") && !name.endsWith("norm.weight");
