import { registerModel } from "@verlet/core";
import { parseCommonConfig, type ModelConfig, type TransformerFamily } from "../config.js";

/** Llama 2 and 3 and models of the same shape. `attention_bias` puts biases on q, k, v and o. */
@registerModel("llama", { doc: "Llama 2 and 3: RMS norm, rotary (llama3 scaling), SwiGLU, grouped queries" })
export class LlamaFamily implements TransformerFamily {
  readonly modelTypes = ["llama"];

  parseConfig(json: unknown, where: string): ModelConfig {
    return parseCommonConfig(json, where).config;
  }
}
