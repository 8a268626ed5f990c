/**
 * What people coming with the HelloAgents documents call: the training tool, the trainer wrappers, the data sets and the
 * rewards, each over verlet's own parts.
 */
export { RLTrainingTool } from "./tool/rl-training-tool.js";
export type { AiSdkTool, McpTool, OpenAiTool, RLTrainingToolOptions, RunOptions, ToolParams } from "./tool/rl-training-tool.js";
export * from "./tool/shortcuts.js";
export { trainingPresets } from "./tool/presets.js";
export type { JsonSchema } from "./tool/tool-schema.js";
export * from "./rewards/index.js";
export * from "./data/datasets.js";
export { MATH_PROMPT } from "./data/math-format.js";
export type { FormatType, RlRow, SftRow } from "./data/math-format.js";
export { GSM8K } from "./data/open-dataset.js";
export type { DatasetInput, RowsInput, RowsSource } from "./data/open-dataset.js";
export * from "./wrappers/index.js";
export { getDeviceInfo } from "./train/device.js";
export type { Device, DeviceInfo } from "./train/device.js";
export type { TrainProgress } from "./train/progress.js";
export type { TrainResult } from "./train/run-training.js";
export type { Language } from "./texts.js";
