/** 功能概述, 2: PPO, GRPO, DAPO and PRIME from the same YAML, by name. */
import { VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, overrides } from "./settings.ts";

const output = outputOf("verl-training-manager/four-algorithms");

for (const algorithmType of ["ppo", "grpo", "dapo", "prime"]) {
  const manager = new VERLTrainingManager({ config: here("grpo.yaml"), algorithmType, manager: { overrides: [...overrides, "trainer.total_training_steps=2"] } });
  const { config } = await manager.resolve();
  const { steps, metrics } = await manager.train(dataPath, `${output}/${algorithmType}`);
  await manager.dispose();
  console.log(`${algorithmType}: algorithm ${config.algorithm.name}, advantage ${config.advantage.name || "of its own"}, ${steps} steps, reward ${metrics.reward}`);
}
