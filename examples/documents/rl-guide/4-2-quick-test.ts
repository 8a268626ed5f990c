/** 使用示例 → 示例2 快速测试: ten rows, once. */
import { RLTrainingTool } from "verlet";
import { gsm8k, model, outputOf } from "../settings.ts";

const output = outputOf("rl-guide/4-2-quick-test");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: 10,
  num_epochs: 1,
  output_dir: `${output}/test_sft`,
});
console.log(result);
