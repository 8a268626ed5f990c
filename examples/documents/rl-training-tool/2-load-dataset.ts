/** 2. 加载数据集, in both formats. */
import { RLTrainingTool } from "verlet";
import { gsm8k, model, samples } from "../settings.ts";

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

console.log(await tool.run({ action: "load_dataset", format: "sft", split: "train", max_samples: samples(100) }));

console.log(await tool.run({ action: "load_dataset", format: "rl", split: "train", max_samples: samples(100), model_name: model("Qwen/Qwen3-0.6B") }));
