/** 快速开始 → 使用工具训练: the guide's first call, which names no action. */
import { RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/2-1-tool");

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  algorithm: "sft",
  model_name: model("Qwen/Qwen2-0.5B-Instruct"),
  dataset: "gsm8k",
  max_samples: samples(100),
  num_epochs: epochs(3),
  output_dir: `${output}/sft`,
});

console.log(result);
