/** Imports plugin files and packages, TypeScript included, and the plugins that come with verlet. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError, RegistryError, VerletError, registry } from "@verlet/core";
import type { ErrorParts, RegistryEntry } from "@verlet/core";
import { createJiti } from "jiti";
import { displayPath } from "./read-tree.js";

export interface LoadedPlugin {
  /** As written. */
  spec: string;
  file: string;
  entries: RegistryEntry[];
}

/** What plugins import of verlet is this process's copy, wherever the plugin lies. */
const ownPackages = ["verlet", ...["core", "backend", "config", "rl", "optim", "model", "data", "rollout", "checkpoint", "manager"].map((name) => `@verlet/${name}`)];

let aliases: Record<string, string> | undefined;
function ownAliases(): Record<string, string> {
  return (aliases ??= Object.fromEntries(
    ownPackages.flatMap((name) => {
      try {
        return [[name, fileURLToPath(import.meta.resolve(name))]];
      } catch {
        return []; // not installed beside this package: the plugin's own look-up decides
      }
    }),
  ));
}

/** Imports one file, compiled on the way when it is TypeScript. */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  return createJiti(file, { alias: ownAliases(), interopDefault: false }).import<Record<string, unknown>>(file);
}

const isFileSpec = (spec: string): boolean => /^\.{1,2}(\/|\\|$)/.test(spec) || isAbsolute(spec);

/** The full path of a plugin or module: a file relative to `folder`, or a package found from it. @throws RegistryError */
export function resolveModule(spec: string, folder: string, role = "plugin"): string {
  const where = `${role} ${spec}`;
  if (isFileSpec(spec)) {
    const file = resolve(folder, spec);
    if (existsSync(file)) return realpathSync(file);
    throw new RegistryError({ where, what: "no such file", got: displayPath(file), expected: "a .ts or .js file", fix: `Paths start from ${displayPath(folder)}` });
  }
  const jiti = createJiti(join(folder, "verlet.yaml"), { alias: ownAliases() });
  const found = jiti.esmResolve(spec, { try: true });
  if (found) return realpathSync(found.startsWith("file:") ? fileURLToPath(found) : found);
  const isNearbyFile = existsSync(resolve(folder, spec));
  throw new RegistryError({
    where,
    what: "no such package",
    got: `nothing named "${spec}" in node_modules of ${folder} or above`,
    expected: "an installed package, or a file as ./name.ts",
    fix: isNearbyFile ? `Write "./${spec}" for the file` : `Run npm install ${spec}`,
  });
}

const loaded = new Map<string, LoadedPlugin>();

/**
 * Loads one plugin; loading it again is free.
 * @throws RegistryError: missing, throws, registers nothing, a taken name, another API version. What it had
 * registered until then is taken back.
 */
export async function loadPlugin(spec: string, folder: string): Promise<LoadedPlugin> {
  const file = resolveModule(spec, folder);
  const known = loaded.get(file);
  if (known) return { ...known, spec };
  const already = registry.list().filter(({ source }) => source === file);
  const before = new Set(registry.list());
  const fresh = (): RegistryEntry[] => registry.list().filter((entry) => !before.has(entry));
  // A script may have imported the file itself.
  if (already.length === 0) {
    try {
      await importModule(file);
    } catch (error) {
      for (const entry of fresh()) registry.remove(entry.kind, entry.name);
      throw loadFailure(`plugin ${spec}`, file, error);
    }
  }
  const entries = already.length > 0 ? already : fresh();
  if (entries.length === 0) {
    throw new RegistryError({
      where: `plugin ${spec}`,
      what: "registers nothing",
      got: `${displayPath(file)} without a registration`,
      expected: "at least one @registerReward(…), @registerAdvantage(…), …",
      fix: "Call a register function when the file is loaded, or take it off `plugins:`",
    });
  }
  const plugin: LoadedPlugin = { spec, file, entries };
  loaded.set(file, plugin);
  return plugin;
}

/** The error as the user sees it: what the plugin said, and where in its code. */
export function loadFailure(where: string, file: string, error: unknown): RegistryError {
  if (error instanceof VerletError) {
    return new RegistryError({ ...error.parts, where, what: `${error.parts.where}: ${error.parts.what}` }, { cause: error });
  }
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const words = message.split("\n")[0]!.trim().replace(/\.$/, "");
  return new RegistryError(
    {
      where,
      what: "failed while it was loaded",
      got: `${name === "Error" ? words : `${name}: ${words}`} at ${positionIn(`${message}\n${stack}`) ?? displayPath(file)}`,
      fix: "Correct that file",
    },
    { cause: error },
  );
}

/** The first position in a stack or a syntax error that is the user's code. */
function positionIn(text: string): string | undefined {
  for (const [, path, line, column] of text.matchAll(/((?:file:\/\/)?(?:\/|[A-Za-z]:\\)[^\s():]+):(\d+):(\d+)/g)) {
    if (!/[\\/]jiti[\\/]dist[\\/]/.test(path!)) return `${displayPath(path!.startsWith("file:") ? fileURLToPath(path!) : path!)}:${line!}:${column!}`;
  }
  return undefined;
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
    throw new RegistryError({ where: "@verlet/plugins", what: "the built-in parts are not built", got: `no folder ${root}`, expected: "compiled plugins", fix: "Run npm run build" });
  }
  for (const folder of readdirSync(root).sort()) {
    const index = join(root, folder, "index.js");
    if (existsSync(index)) await import(pathToFileURL(index).href);
  }
}
