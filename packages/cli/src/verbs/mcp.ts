import { readFileSync } from "node:fs";
import { RLTrainingTool, type Language } from "@verlet/agents";
import { serveStdio } from "@verlet/agents/mcp";
import { loadBuiltins, loadPlugins } from "@verlet/config";

export interface McpFlags {
  language: Language;
  plugins?: string[];
}

export async function mcp({ language, plugins = [] }: McpFlags): Promise<void> {
  await loadBuiltins();
  await loadPlugins(plugins, process.cwd());
  await serveStdio(new RLTrainingTool({ language, console: false }), packageVersion());
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }).version;
}
