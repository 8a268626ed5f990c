/** 使用RLTrainingTool: SFT, then GRPO from its model, each one call. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trainers/with-rl-training-tool");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const sftResult = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(1000),
  num_epochs: epochs(3),
  output_dir: `${output}/sft`,
  use_lora: true,
  batch_size: 4,
});
console.log(sftResult);

// The folder holds an adapter, with which GRPO goes on.
const grpoResult = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: `${output}/sft`,
  max_samples: samples(500),
  num_epochs: epochs(3),
  output_dir: `${output}/grpo`,
  use_lora: true,
  batch_size: 2,
  ...generation,
});
console.log(grpoResult);
