/** 完整使用示例 → 快速测试: SFT, GRPO and an evaluation on ten rows. */
import { RLTrainingTool } from "verlet";
import { generation, gsm8k, model, outputOf } from "../settings.ts";

const output = outputOf("rl-training-tool/5-2-quick-test");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

await tool.run({
  action: "train",
  algorithm: "sft",
  model_name: model("Qwen/Qwen3-0.6B"),
  output_dir: `${output}/quick_sft`,
  max_samples: 10,
  num_epochs: 1,
});

await tool.run({
  action: "train",
  algorithm: "grpo",
  model_name: `${output}/quick_sft`,
  output_dir: `${output}/quick_grpo`,
  max_samples: 10,
  num_epochs: 1,
  ...generation,
});

const result = await tool.run({
  action: "evaluate",
  model_path: `${output}/quick_grpo`,
  max_samples: 10,
});
console.log(result);
