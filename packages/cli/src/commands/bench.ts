import type { Command } from "commander";
import { backendOption, count, example } from "../options.js";
import type { BenchFlags } from "../verbs/bench.js";

export function addBench(program: Command): void {
  program
    .command("bench")
    .description("how fast a YAML's training is on this machine, and how much memory it takes; trains a few steps and writes nothing")
    .argument("<yaml>", "the run's configuration")
    .argument("[overrides...]", "key=value pairs over the file, such as trainer.batchSize=4")
    .option("--steps <n>", "steps that are timed", count(1), 5)
    .option("--warm-up <n>", "steps before them", count(0), 2)
    .option("--random <tokens>", "rows of so many random tokens in place of the YAML's data", count(2))
    .addOption(backendOption())
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet bench configs/grpo.yaml", "verlet bench sft.yaml --random 512 trainer.batchSize=2"))
    .action(async (yaml: string, overrides: string[], flags: BenchFlags) => {
      const { bench } = await import("../verbs/bench.js");
      await bench(yaml, overrides, flags);
    });
}
