/** 基本使用: a YAML and an algorithm make a manager, which trains and saves. */
import { VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

const output = outputOf("verl-training-manager/basic-usage");

const manager = new VERLTrainingManager({
  config: here("grpo.yaml"),
  algorithmType: "grpo",
  manager: options,
});

const stats = await manager.train(dataPath, `${output}/run`);
console.log(`${stats.steps} steps on ${stats.backend}, reward ${stats.metrics.reward} in the last one`);

await manager.save(`${output}/model`);
await manager.dispose();
