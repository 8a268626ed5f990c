import type { Command } from "commander";
import { collect, example } from "../options.js";
import type { SchemaFlags } from "../verbs/schema.js";

export function addSchema(program: Command): void {
  program
    .command("schema")
    .description("the JSON Schema (draft-07) of a run's YAML, for editors, from what is registered")
    .option("--plugins <spec>", "a file or package that registers more; may be repeated", collect)
    .option("--output <file>", "write it there")
    .option("--json", "print it on one line")
    .addHelpText(...example("verlet schema --output verlet.schema.json", "# and as the YAML's first line:  # yaml-language-server: $schema=./verlet.schema.json"))
    .action(async (flags: SchemaFlags) => {
      const { schema } = await import("../verbs/schema.js");
      await schema(flags);
    });
}
