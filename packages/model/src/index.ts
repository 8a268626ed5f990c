import "./families/llama.js";
import "./families/qwen2.js";
import "./families/qwen3.js";

export { ADAPTER_CONFIG, ADAPTER_WEIGHTS, readAdapterConfig } from "./adapter-files.js";
export { CausalLM, type LoadOptions } from "./causal-lm.js";
export { ValueModel, type ValueModelOptions } from "./value-model.js";
export { parseModelConfig, readModelConfig, type ModelConfig, type TransformerFamily } from "./config.js";
export { decodeFloats, encodeFloats, type WeightDtype } from "./dtype.js";
export type { LoraConfig } from "./lora.js";
export { readSafetensors, SafetensorsFile, writeSafetensors, type SafetensorsEntry, type TensorToWrite } from "./safetensors.js";
export { estimateMemory, type MemoryEstimate, type MemoryQuestion } from "./memory-estimate.js";
export { isDecayed } from "./weight-names.js";
export * from "./tokenizer.js";
export { howToGetFolder } from "./tokenizer-files.js";
