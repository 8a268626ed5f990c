/** 示例: the training script itself, for runs that need a reward function of their own: npx jiti train-verl.ts --algorithm dapo */
import { parseArgs } from "node:util";
import { VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

const { values } = parseArgs({
  options: {
    config: { type: "string", default: here("grpo.yaml") },
    algorithm: { type: "string", default: "grpo" },
    data_path: { type: "string", default: dataPath },
    output_dir: { type: "string", default: outputOf("verl-training-manager/train-verl") },
    core_algos: { type: "string", default: here("custom-core-algos.ts") },
    core_function: { type: "string", default: "compute_weighted_grpo_advantage" },
  },
});

/** 1 for the right number at the end, 0.1 for any other number there. */
function endsInNumber(_inputText: string, responseText: string, { groundTruth }: { groundTruth: unknown }): number {
  const found = /(-?\d+)\s*$/.exec(responseText)?.[1];
  return found === String(groundTruth) ? 1 : found === undefined ? 0 : 0.1;
}

const manager = new VERLTrainingManager({
  config: values.config,
  algorithmType: values.algorithm,
  coreAlgosModule: values.core_algos,
  coreAlgosFunction: values.core_function,
  rewardFunction: endsInNumber,
  manager: options,
});
try {
  const stats = await manager.train(values.data_path, values.output_dir);
  console.log(`${stats.steps} of ${stats.totalSteps} steps in ${stats.seconds.toFixed(1)} s, reward ${stats.metrics.reward}; ${stats.outputDir}`);
} finally {
  await manager.dispose();
}
