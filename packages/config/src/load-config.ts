/** From a YAML file, a string or an object to a checked configuration. */
import { dirname, resolve } from "node:path";
import { registry } from "@verlet/core";
import { inOwnShape } from "./from-verl.js";
import type { ScriptLayer } from "./from-verl.js";
import type { Layers } from "./layers.js";
import { flatten } from "./layers.js";
import { fromPlain } from "./node.js";
import type { Node } from "./node.js";
import { applyOverrides, overrideAlgorithm } from "./overrides.js";
import { parseYaml } from "./parse-yaml.js";
import { expandPreset } from "./presets.js";
import { Problems } from "./problems.js";
import { asMapping, mergeExtended, readTree } from "./read-tree.js";
import { resolveTree } from "./resolve.js";
import { resolvedYaml } from "./resolved-yaml.js";
import type { LoadedConfig } from "./types.js";
import { setOver } from "./verl-translate.js";

export interface LoadOptions {
  /** `trainer.seed=7` and the like, values read as YAML, over everything else; a mapping merges, a list replaces. */
  overrides?: readonly string[];
  /** What a script sets over the file. */
  script?: ScriptLayer;
}

/**
 * Reads a YAML file, what it extends and the overrides, loads its plugins and checks everything. A file in VERL's shape is
 * translated first; `translation` of the result then says how.
 * @throws ConfigError with all problems at once.
 */
export async function loadConfig(path: string, options: readonly string[] | LoadOptions = {}): Promise<LoadedConfig> {
  const problems = new Problems();
  const layers = await readTree(path, problems);
  const full = resolve(path);
  return finish(layers, isList(options) ? { overrides: options } : options, problems, dirname(full), full);
}

const isList = (options: readonly string[] | LoadOptions): options is readonly string[] => Array.isArray(options);

export interface ResolveOptions extends LoadOptions {
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
  const { folder = process.cwd(), name = "config" } = options;
  const problems = new Problems();
  const node =
    typeof source === "string"
      ? parseYaml({ text: source, name, folder }, problems)
      : fromPlain(source, { where: name, folder, file: name, line: 1, column: 1 });
  const layers = await mergeExtended(asMapping(node), problems, []);
  return finish(layers, options, problems, folder);
}

/** The same from nodes that know their places, a part of a file that holds more than one configuration. */
export async function resolveNode(node: Node, options: LoadOptions = {}): Promise<LoadedConfig> {
  const problems = new Problems();
  return finish(await mergeExtended(asMapping(node), problems, []), options, problems, node.place.folder);
}

async function finish(
  files: Layers,
  { overrides = [], script }: LoadOptions,
  problems: Problems,
  folder: string,
  path?: string,
): Promise<LoadedConfig> {
  const own = await inOwnShape(files, overrides, script, problems);
  const { layers, rest } = overrideAlgorithm(own.layers, own.overrides, problems);
  const { root, preset } = expandPreset(layers, problems);
  const tree = asMapping(applyOverrides(root, rest, problems));
  const config = await resolveTree(tree, problems, preset);
  const trainer = registry.get("trainer", config.algorithm.name);
  return {
    config,
    path,
    folder,
    ...(preset && { preset }),
    ...(own.table && { translation: setOver(own.table, flatten(own.layers), tree) }),
    yaml: () => resolvedYaml(config, trainer, preset),
  };
}
