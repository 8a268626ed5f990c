/** 3. 创建奖励函数: the three types. What the reply calls `reward` goes into train as it is. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/3-create-reward");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

console.log(await tool.run({ action: "create_reward", reward_type: "accuracy" }));

console.log(await tool.run({ action: "create_reward", reward_type: "length_penalty", penalty_weight: 0.001 }));

const created = await tool.run({ action: "create_reward", reward_type: "step", step_bonus: 0.1 });
console.log(created);

const { reward } = JSON.parse(created) as { reward: object };
console.log(await tool.run({ action: "train", algorithm: "grpo", model_name: model("Qwen/Qwen3-0.6B"), output_dir: `${output}/grpo`, max_samples: samples(500), num_epochs: epochs(3), reward, ...generation }));
