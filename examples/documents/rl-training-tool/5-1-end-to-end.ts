/** 完整使用示例 → 端到端训练和评估. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/5-1-end-to-end");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

console.log("1. 加载数据集...");
const datasetResult = await tool.run({
  action: "load_dataset",
  format: "sft",
  split: "train",
  max_samples: samples(1000),
});
console.log(datasetResult);

console.log("\n2. SFT训练...");
const sftResult = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  output_dir: `${output}/sft`,
  max_samples: samples(1000),
  num_epochs: epochs(3),
  use_lora: true,
});
console.log(sftResult);

console.log("\n3. GRPO训练...");
const grpoResult = await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: `${output}/sft`, // an adapter: GRPO goes on with it
  output_dir: `${output}/grpo`,
  max_samples: samples(500),
  num_epochs: epochs(3),
  use_lora: true,
  ...generation,
});
console.log(grpoResult);

console.log("\n4. 评估模型...");
const evalResult = await tool.run({
  action: "evaluate",
  model_path: `${output}/grpo`,
  max_samples: samples(100),
});
const evalData = JSON.parse(evalResult) as { accuracy: string };
console.log(`准确率: ${evalData.accuracy}`);
