import { registerModel } from "@verlet/core";
import { parseCommonConfig, type ModelConfig, type TransformerFamily } from "../config.js";

/** Qwen3 (dense): RMS norm on each head of q and k, a head size of its own (128 unless config.json says otherwise). */
@registerModel("qwen3", { doc: "Qwen3 dense: RMS norm on the heads of q and k" })
export class Qwen3Family implements TransformerFamily {
  readonly modelTypes = ["qwen3"];

  parseConfig(json: unknown, where: string): ModelConfig {
    const { config, fields } = parseCommonConfig(json, where);
    return { ...config, headDim: fields.head_dim ?? 128, qkNorm: true, mlpBias: false };
  }
}
