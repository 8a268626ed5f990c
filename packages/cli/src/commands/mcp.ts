import { Option, type Command } from "commander";
import { collect, example } from "../options.js";
import type { McpFlags } from "../verbs/mcp.js";

export function addMcp(program: Command): void {
  program
    .command("mcp")
    .description("serve the training tool to agents over the Model Context Protocol, on standard input and output")
    .addOption(new Option("--language <name>", "of the replies' words").choices(["en", "zh"]).default("en"))
    .option("--plugins <spec>", "a file or package that registers parts; may be repeated", collect)
    .addHelpText(...example("verlet mcp --language zh"))
    .action(async (flags: McpFlags) => {
      const { mcp } = await import("../verbs/mcp.js");
      await mcp(flags);
    });
}
