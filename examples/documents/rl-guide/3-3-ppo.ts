/** 训练算法 → PPO, which the guide only announces: here it trains, with a critic of its own. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/3-3-ppo");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const result = await tool.run({
  action: "train",
  algorithm: "ppo",
  model_name: model("Qwen/Qwen3-0.6B"),
  max_samples: samples(500),
  num_epochs: epochs(3),
  output_dir: `${output}/ppo`,
  batch_size: 4,
  ...generation,
});
console.log(result);
