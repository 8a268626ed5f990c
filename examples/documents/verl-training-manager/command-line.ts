/** 命令行: the training script's options, which `verlet verl` has under the same names. */
import { execFileSync } from "node:child_process";
import { outputOf } from "../settings.ts";
import { dataPath, here, overrides } from "./settings.ts";

const output = execFileSync(
  "npx",
  [
    "verlet", "verl",
    "--config", here("grpo.yaml"),
    "--algorithm", "grpo",
    "--data_path", dataPath,
    "--output_dir", outputOf("verl-training-manager/command-line"),
    "--core_algos", here("custom-core-algos.ts"),
    "--core_function", "compute_weighted_grpo_advantage",
    ...overrides,
  ],
  { encoding: "utf8" },
);
console.log(output);
