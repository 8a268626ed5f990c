import type { Command } from "commander";
import { collect, example } from "../options.js";
import type { ExplainFlags } from "../verbs/explain.js";

export function addExplain(program: Command): void {
  program
    .command("explain")
    .description("one part: its options and defaults, what it needs, where its code is, and how a YAML names it")
    .argument("<kind>", "its kind, such as reward")
    .argument("<name>", "its name")
    .option("--plugins <spec>", "a file or package that registers more; may be repeated", collect)
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet explain reward accuracy"))
    .action(async (kind: string, name: string, flags: ExplainFlags) => {
      const { explain } = await import("../verbs/explain.js");
      await explain(kind, name, flags);
    });
}
