/** Loads what `plugins:` lists, and the plugins that come with verlet. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError, RegistryError, registry } from "@verlet/core";
import type { ErrorParts, RegistryEntry } from "@verlet/core";
import { importModule, loadFailure, resolveModule } from "./module-loader.js";
import { displayPath } from "./read-tree.js";

export interface LoadedPlugin {
  /** As written. */
  spec: string;
  file: string;
  entries: readonly RegistryEntry[];
}

const loaded = new Map<string, LoadedPlugin>();

/**
 * Loads one plugin; loading it again is free.
 * @throws RegistryError: missing, throws, registers nothing, a taken name, another API version. What it had
 * registered until then is taken back.
 */
export async function loadPlugin(spec: string, folder: string): Promise<LoadedPlugin> {
  const file = resolveModule(spec, folder, "plugin");
  const known = loaded.get(file);
  if (known) return { ...known, spec };
  // A script may have imported the file itself; a second time its names would be taken.
  const already = registry.list().filter(({ source }) => source === file);
  const entries = already.length > 0 ? already : await importPlugin(spec, file);
  const plugin: LoadedPlugin = { spec, file, entries };
  loaded.set(file, plugin);
  return plugin;
}

async function importPlugin(spec: string, file: string): Promise<RegistryEntry[]> {
  const before = new Set(registry.list());
  const fresh = (): RegistryEntry[] => registry.list().filter((entry) => !before.has(entry));
  try {
    await importModule(file);
  } catch (error) {
    for (const entry of fresh()) registry.remove(entry.kind, entry.name);
    throw loadFailure(`plugin ${spec}`, file, error);
  }
  const entries = fresh();
  if (entries.length > 0) return entries;
  throw new RegistryError({
    where: `plugin ${spec}`,
    what: "registers nothing",
    got: `${displayPath(file)} without a registration`,
    expected: "at least one @registerReward(…), @registerAdvantage(…), …",
    fix: "Call a register function when the file is loaded, or take it off `plugins:`",
  });
}

/**
 * Loads a list of plugins, relative to `fromFolder`, for scripts and commands that have no YAML.
 * @throws ConfigError with every plugin that failed.
 */
export async function loadPlugins(specs: readonly string[], fromFolder: string): Promise<LoadedPlugin[]> {
  const plugins: LoadedPlugin[] = [];
  const problems: ErrorParts[] = [];
  for (const spec of specs) {
    try {
      plugins.push(await loadPlugin(spec, resolve(fromFolder)));
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      problems.push(error.parts);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return plugins;
}

let builtins: Promise<void> | undefined;

/** Registers everything that comes with verlet: each folder of @verlet/plugins, in the order of names, once. */
export function loadBuiltins(): Promise<void> {
  return (builtins ??= importBuiltins().catch((error: unknown) => {
    builtins = undefined;
    throw error;
  }));
}

async function importBuiltins(): Promise<void> {
  const root = join(dirname(fileURLToPath(import.meta.resolve("@verlet/plugins/package.json"))), "dist");
  if (!existsSync(root)) {
    throw new RegistryError({
      where: "@verlet/plugins",
      what: "the built-in parts are not compiled",
      got: `no folder ${root}`,
      fix: "Run npm run build",
    });
  }
  for (const folder of readdirSync(root).sort()) {
    const index = join(root, folder, "index.js");
    if (existsSync(index)) await import(pathToFileURL(index).href);
  }
}
