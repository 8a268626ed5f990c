/** 使用示例 → 示例1 完整训练流程: SFT first, then GRPO from the model that it left. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/4-1-sft-then-grpo");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

console.log("步骤1：SFT训练...");
const sftResult = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(1000),
  num_epochs: epochs(3),
  output_dir: `${output}/sft`,
});
console.log(sftResult);

console.log("步骤2：GRPO训练...");
const grpoResult = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: `${output}/sft`, // the model that SFT trained
  max_samples: samples(500),
  num_epochs: epochs(3),
  output_dir: `${output}/grpo`,
  ...generation,
});
console.log(grpoResult);

console.log(`训练完成！最终模型: ${output}/grpo`);
