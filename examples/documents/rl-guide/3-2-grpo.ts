/** 训练算法 → GRPO, with LoRA. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/3-2-grpo");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(500),
  num_epochs: epochs(3),
  output_dir: `${output}/grpo`,
  use_lora: true,
  batch_size: 2,
  ...generation,
});
console.log(result);
