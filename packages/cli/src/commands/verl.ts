import type { Command } from "commander";
import { backendOption, collect, example } from "../options.js";
import type { VerlFlags } from "../verbs/verl.js";

/** The options of VERL's script keep its spelling; each has the usual one beside it. */
export function addVerl(program: Command): void {
  program
    .command("verl")
    .description("train as VERL's scripts do: a YAML in VERL's shape or verlet's, with algorithm, data and core algorithm beside it")
    .argument("[overrides...]", "key=value pairs over the file, in VERL's keys or verlet's; without a file, those of a main_ppo script")
    .option("--config <yaml>", "the run's configuration")
    .option("--algorithm <name>", "grpo, dapo, ppo, …, or a registered algorithm; over what the file says")
    .option("--data_path, --data-path <file>", "the training rows")
    .option("--output_dir, --output-dir <folder>", "the run's folder")
    .option("--core_algos, --core-algos <file>", "a file that exports an advantage function, in VERL's form or verlet's")
    .option("--core_function, --core-function <name>", "which function of that file, where several fit; alone, a registered advantage")
    .option("--plugins <spec>", "a file or package that registers parts; may be repeated", collect)
    .option("--translate", "print what becomes of each key, and the YAML in verlet's shape; train nothing")
    .addOption(backendOption())
    .option("--json", "print events as JSON lines")
    .addHelpText(...example("verlet verl --config configs/verl/grpo.yaml --algorithm grpo --data_path data/rl.jsonl --output_dir output/verl"))
    .action(async (overrides: string[], flags: VerlFlags) => {
      const { verl } = await import("../verbs/verl.js");
      await verl(overrides, flags);
    });
}
