import type { Command } from "commander";
import { addModelOptions, demand, dtypeOption, example } from "../options.js";
import type { MergeFlags } from "../verbs/merge.js";

export function addMerge(program: Command): void {
  const command = addModelOptions(program.command("merge").description("write a model folder with an adapter's change added to the weights"))
    .option("--output <folder>", "a new folder for the merged model")
    .addOption(dtypeOption("number format of the weights (default: each as it was read)"))
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet merge --model Qwen3-0.6B --adapter output/grpo --output output/merged --dtype bfloat16"))
    .action(async (flags: MergeFlags) => {
      const { merge } = await import("../verbs/merge.js");
      await merge(flags);
    });
  demand(command, "model", "output");
}
