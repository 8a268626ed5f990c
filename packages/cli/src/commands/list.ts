import type { Command } from "commander";
import { collect, example } from "../options.js";
import type { ListFlags } from "../verbs/list.js";

export function addList(program: Command): void {
  program
    .command("list")
    .description("the registered parts: algorithms, rewards, advantages, losses, …")
    .argument("[kind]", "only one kind, such as reward")
    .option("--plugins <spec>", "a file or package that registers more; may be repeated", collect)
    .option("--json", "print one JSON array")
    .addHelpText(...example("verlet list reward --plugins ./my-rewards.ts"))
    .action(async (kind: string | undefined, flags: ListFlags) => {
      const { list } = await import("../verbs/list.js");
      await list(kind, flags);
    });
}
