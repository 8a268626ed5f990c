/**
 * Presets: algorithms that differ from another one only by their parts and settings. Each is a YAML file of keys,
 * presets/<name>.yaml, which `algorithm: <name>` stands for.
 */
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { algorithmOf, flatten } from "./layers.js";
import type { Layers } from "./layers.js";
import { expandShorthand, mergeNodes } from "./merge.js";
import type { Mapping } from "./node.js";
import { without, writtenKey } from "./node.js";
import { parseYaml } from "./parse-yaml.js";
import type { Problems } from "./problems.js";

export interface Preset {
  readonly name: string;
  /** Its file. */
  readonly source: string;
  /** The first paragraph of the comment that opens the file. */
  readonly doc: string;
  readonly yaml: string;
  /** The package it comes with. */
  readonly package: string;
  readonly version: string;
}

const folder = fileURLToPath(new URL("../presets/", import.meta.url));
let presets: readonly Preset[] | undefined;

/** All presets, by name. */
export function listPresets(): readonly Preset[] {
  return (presets ??= readdirSync(folder).filter((file) => file.endsWith(".yaml")).sort().map(readPreset));
}

export function findPreset(name: string): Preset | undefined {
  return listPresets().find((preset) => preset.name === name);
}

export const presetNames = (): string[] => listPresets().map(({ name }) => name);

function readPreset(file: string): Preset {
  const source = join(folder, file);
  const yaml = readFileSync(source, "utf8");
  const comment = /^(?:#.*\n)*/.exec(yaml)![0].split("\n").map((line) => line.replace(/^# ?/, ""));
  const doc = comment.slice(0, comment.indexOf("")).join(" ");
  return { name: basename(file, ".yaml"), source, doc, yaml, ...ownPackage() };
}

function ownPackage(): { package: string; version: string } {
  const { name, version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { name: string; version: string };
  return { package: name, version };
}

/** The layers as one tree, with a preset's keys in the place of its name. */
export function expandPreset(layers: Layers, problems: Problems): { root: Mapping; preset?: Preset } {
  const name = algorithmOf(layers.above);
  const preset = name === undefined ? undefined : findPreset(name);
  if (!preset) return { root: flatten(layers) };
  const keys = expandShorthand(parseYaml({ text: preset.yaml, name: `preset ${preset.name}`, folder: dirname(preset.source) }, problems));
  return { root: mergeNodes(mergeNodes(layers.below, keys), withoutName(layers.above)) as Mapping, preset };
}

/** Without the algorithm's name, so that the preset's own comes through; options beside it stay and go to that algorithm. */
function withoutName(root: Mapping): Mapping {
  const key = writtenKey(root, "algorithm")!;
  const { place, node } = root.entries.get(key)!;
  return { ...root, entries: new Map(root.entries).set(key, { place, node: without(node as Mapping, ["name"]) }) };
}
