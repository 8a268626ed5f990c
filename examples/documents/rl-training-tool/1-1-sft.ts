/** 1. 训练模型 → SFT训练示例, and its 返回值. */
import { RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/1-1-sft");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  output_dir: `${output}/sft`,
  max_samples: samples(1000),
  num_epochs: epochs(3),
  batch_size: 4,
  use_lora: true,
});

console.log(result);
