import { resolveConfig } from "@verlet/config";
import { registry } from "@verlet/core";
import type { RunShape } from "@verlet/manager";
import { parseModelConfig, type LoraConfig, type ModelConfig } from "@verlet/model";

/** Two layers of width 64: q and o 64×64, k and v 32×64, MLP 128, vocabulary 1000. */
export const small = parseModelConfig({
  model_type: "qwen3", vocab_size: 1000, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16,
  intermediate_size: 128, rms_norm_eps: 1e-6, tie_word_embeddings: true,
}, "test");
export const EMBEDDING = 1000 * 64;
export const BODY = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64) + 2 * (2 * 64 + 2 * 16) + 64;
export const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: ["q_proj", "down_proj"], rslora: false, dora: false };
export const ADAPTER = 2 * (4 * (64 + 64) + 4 * (128 + 64));

export type Sections = Readonly<Record<string, unknown>>;

export const sft = (sections: Sections = {}): Sections => ({ algorithm: "sft", model: { path: "model" }, data: { train: "rows.jsonl", maxLength: 256 }, ...sections });
export const sampling = (sections: Sections = {}): Sections =>
  ({ algorithm: "grpo", model: { path: "model" }, data: { train: "rows.jsonl" }, rewards: [{ name: "format", options: { pattern: "x" } }], ...sections });

/** The shape of a run. */
export async function shapeOf(source: Sections, more: Partial<RunShape> = {}, { model = small, overrides = [] }: { model?: ModelConfig; overrides?: readonly string[] } = {}): Promise<RunShape> {
  const { config } = await resolveConfig(source, { overrides });
  const { companions = {} } = registry.get("trainer", config.algorithm.name);
  return { config, model: { config: model, lora: config.model.lora }, longest: undefined, companions, ...more };
}
