/** 使用示例 → 示例3 使用LoRA减少显存: an adapter and small batches. */
import { readdirSync } from "node:fs";
import { RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/4-3-lora");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(7473), // the document leaves it out: all of GSM8K
  num_epochs: epochs(3),
  use_lora: true,
  batch_size: 2,
  output_dir: `${output}/sft_lora`,
});
console.log(result);
console.log(readdirSync(`${output}/sft_lora`).filter((name) => name.startsWith("adapter")).join(", "));
