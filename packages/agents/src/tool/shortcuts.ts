/** The tool's actions as functions. Each takes the parameters of its action and replies with the same JSON string. */
import { RLTrainingTool, type RunOptions, type ToolParams } from "./rl-training-tool.js";

export interface ShortcutOptions extends RunOptions {
  /** The tool whose registered data sets and rewards count; a new one by default. */
  tool?: RLTrainingTool;
}

type Shortcut = (params: ToolParams, options?: ShortcutOptions) => Promise<string>;

function shortcut(fixed: ToolParams): Shortcut {
  return (params, { tool = new RLTrainingTool(), ...options } = {}) => tool.run({ ...params, ...fixed }, options);
}

export const trainWithSft = shortcut({ action: "train", algorithm: "sft" });
export const trainWithGrpo = shortcut({ action: "train", algorithm: "grpo" });
export const loadDataset = shortcut({ action: "load_dataset" });
export const createRewardFunction = shortcut({ action: "create_reward" });
export const evaluateModel = shortcut({ action: "evaluate" });
