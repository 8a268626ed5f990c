/** 1. 训练模型 → 完整训练流程: SFT, then GRPO from its model. 4-evaluate.ts measures what both leave. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/1-3-sft-then-grpo");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

export const sft = `${output}/sft`;
export const grpo = `${output}/grpo`;

const sftResult = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  output_dir: sft,
  max_samples: samples(1000),
  num_epochs: epochs(3),
});
console.log(sftResult);

const grpoResult = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: sft, // the model that SFT trained
  output_dir: grpo,
  max_samples: samples(500),
  num_epochs: epochs(3),
  ...generation,
});
console.log(grpoResult);
