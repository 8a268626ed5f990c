/** 快速开始 → 加载数据集: rows to learn from, and rows to answer as the model is asked them. */
import { RLTrainingTool } from "verlet";
import { gsm8k, model, samples } from "../settings.ts";

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const sft = await tool.run({
  action: "load_dataset",
  format: "sft",
  split: "train",
  max_samples: samples(100),
});
console.log(sft);

const rl = await tool.run({
  action: "load_dataset",
  format: "rl",
  split: "train",
  max_samples: samples(100),
  model_name: model("Qwen/Qwen3-0.6B"),
});
console.log(rl);
