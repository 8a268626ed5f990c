/** 基本用法: a tool, a call, its JSON. */
import { RLTrainingTool, type ToolParams } from "verlet";
import { gsm8k } from "../settings.ts";

const config: ToolParams = { action: "load_dataset" };

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);
const result = await tool.run(config);
console.log(result);
