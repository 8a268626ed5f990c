/** 自定义核心算法: a function of a module takes the place of the algorithm's advantage; without its name the module is searched. */
import { VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

const output = outputOf("verl-training-manager/core-algorithm");

for (const coreAlgosFunction of ["computeCustomAdvantage", undefined]) {
  const manager = new VERLTrainingManager({
    config: here("grpo.yaml"),
    algorithmType: "grpo",
    coreAlgosModule: here("custom-core-algos.ts"),
    ...(coreAlgosFunction !== undefined && { coreAlgosFunction }),
    manager: options,
  });
  const { config } = await manager.resolve();
  const { steps, metrics } = await manager.train(dataPath, `${output}/${coreAlgosFunction ?? "searched"}`);
  await manager.dispose();
  console.log(`${coreAlgosFunction ?? "without a name"}: ${config.advantage.function}, ${steps} steps, loss ${metrics.loss!.toFixed(4)}`);
}
