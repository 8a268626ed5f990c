import { registerModel } from "@verlet/core";
import { parseCommonConfig, type ModelConfig, type TransformerFamily } from "../config.js";

/** Qwen2 and Qwen2.5: Llama's shape with biases on q, k and v alone, always there and not named in config.json. */
@registerModel("qwen2", { doc: "Qwen2 and Qwen2.5: biases on q, k and v" })
export class Qwen2Family implements TransformerFamily {
  readonly modelTypes = ["qwen2"];

  parseConfig(json: unknown, where: string): ModelConfig {
    return { ...parseCommonConfig(json, where).config, qkvBias: true, outputBias: false, mlpBias: false };
  }
}
