/** 添加新算法: raft.ts registers one; from then on the manager knows it by its name. */
import { registry, VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";
import "./raft.ts";

const manager = new VERLTrainingManager({
  config: here("grpo.yaml"),
  algorithmType: "raft",
  manager: options,
});
const { config } = await manager.resolve();
const { steps, metrics } = await manager.train(dataPath, outputOf("verl-training-manager/new-algorithm"));
await manager.dispose();

console.log(`${registry.getAlgorithm("raft").name} with the advantage ${config.advantage.name} and the loss ${config.loss.name}: ${steps} steps, loss ${metrics.loss!.toFixed(4)}`);
