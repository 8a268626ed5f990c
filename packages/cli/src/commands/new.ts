import type { Command } from "commander";
import { example } from "../options.js";
import type { NewFlags } from "../verbs/new.js";

export function addNew(program: Command): void {
  program
    .command("new")
    .description("start a part of your own: a plugin that works as it is, and its test")
    .argument("<kind>", "reward, reward-manager, advantage, policy-loss or trainer")
    .argument("<name>", "the name that a YAML will call it by")
    .option("--dir <folder>", "where the two files go", ".")
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet new reward concise --dir my-parts"))
    .action(async (kind: string, name: string, flags: NewFlags) => {
      const { newPart } = await import("../verbs/new.js");
      await newPart(kind, name, flags);
    });
}
