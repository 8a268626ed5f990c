/** 训练算法 → SFT, with LoRA. */
import { RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/3-1-sft");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(1000),
  num_epochs: epochs(3),
  output_dir: `${output}/sft`,
  use_lora: true,
  batch_size: 4,
});
console.log(result);
