/** From a YAML file, a string or an object to a checked configuration. */
import { dirname, resolve } from "node:path";
import { registry } from "@verlet/core";
import type { Mapping } from "./node.js";
import { fromPlain } from "./node.js";
import { applyOverrides } from "./overrides.js";
import { parseYaml } from "./parse-yaml.js";
import { Problems } from "./problems.js";
import { asMapping, mergeExtended, readTree } from "./read-tree.js";
import { resolveTree } from "./resolve.js";
import { resolvedYaml } from "./resolved-yaml.js";
import type { LoadedConfig } from "./types.js";

/**
 * Reads a YAML file, what it extends and the overrides, loads its plugins and checks everything.
 * @param overrides `trainer.seed=7` and the like, values read as YAML, over the file; a mapping merges, a list replaces.
 * @throws ConfigError with all problems at once.
 */
export async function loadConfig(path: string, overrides: readonly string[] = []): Promise<LoadedConfig> {
  const problems = new Problems();
  const root = await readTree(path, problems);
  const full = resolve(path);
  return finish(root, overrides, problems, dirname(full), full);
}

export interface ResolveOptions {
  overrides?: readonly string[];
  /** What relative `plugins:`, `extends:` and `advantage.module` start from; the working folder without it. */
  folder?: string;
  /** The name messages show. */
  name?: string;
}

/** The same from YAML text or a plain object. @throws ConfigError with all problems at once. */
export async function resolveConfig(
  source: string | Readonly<Record<string, unknown>>,
  options: ResolveOptions = {},
): Promise<LoadedConfig> {
  const { overrides = [], folder = process.cwd(), name = "config" } = options;
  const problems = new Problems();
  const node =
    typeof source === "string"
      ? parseYaml({ text: source, name, folder }, problems)
      : fromPlain(source, { where: name, folder, file: name, line: 1, column: 1 });
  const root = await mergeExtended(asMapping(node), problems, []);
  return finish(root, overrides, problems, folder);
}

async function finish(
  root: Mapping,
  overrides: readonly string[],
  problems: Problems,
  folder: string,
  path?: string,
): Promise<LoadedConfig> {
  const config = await resolveTree(asMapping(applyOverrides(root, overrides, problems)), problems);
  return { config, path, folder, yaml: () => resolvedYaml(config, registry.get("trainer", config.algorithm.name)) };
}
