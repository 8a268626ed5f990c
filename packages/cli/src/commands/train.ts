import type { Command } from "commander";
import { backendOption, example } from "../options.js";
import type { TrainFlags } from "../verbs/train.js";

export function addTrain(program: Command): void {
  program
    .command("train")
    .description("train as a YAML file says; Ctrl+C once saves and ends, and the same command goes on from there")
    .argument("<yaml>", "the run's configuration")
    .argument("[overrides...]", "key=value pairs over the file, such as trainer.seed=7")
    .addOption(backendOption())
    .option("--plan", "print what the run is made of and the memory it will take, and end; with 1 where it cannot fit")
    .option("--json", "print events as JSON lines")
    .addHelpText(...example("verlet train configs/grpo.yaml trainer.seed=7 rollout.temperature=0.8", "verlet train configs/grpo.yaml --plan"))
    .action(async (yaml: string, overrides: string[], flags: TrainFlags) => {
      const { train } = await import("../verbs/train.js");
      await train(yaml, overrides, flags);
    });
}
