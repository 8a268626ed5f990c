/** 1. 训练模型 → GRPO训练示例. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/1-2-grpo");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: model("Qwen/Qwen3-0.6B"),
  output_dir: `${output}/grpo`,
  max_samples: samples(500),
  num_epochs: epochs(3),
  batch_size: 2,
  use_lora: true,
  ...generation,
});

console.log(result);
