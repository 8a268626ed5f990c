/** Puts a file, and what a script sets over it, into verlet's own shape. */
import { flatten, overlay } from "./layers.js";
import type { Layers } from "./layers.js";
import { loadListedPlugins } from "./listed-plugins.js";
import { expandShorthand } from "./merge.js";
import type { Mapping } from "./node.js";
import { fromPlain } from "./node.js";
import { applyOverrides } from "./overrides.js";
import { loadBuiltins } from "./plugin-loader.js";
import { Problems } from "./problems.js";
import { isVerlShape } from "./verl-shape.js";
import { ownSection, setOver, splitOverrides, translateVerl, withVerlKeys } from "./verl-translate.js";
import type { VerlTable } from "./verl-translation.js";

/** What a script sets over a file, and under the overrides. */
export interface ScriptLayer {
  /** How messages name it. */
  name: string;
  /** The algorithm: a registered one or a preset, in a file of VERL's shape also a name of docs/verl.md. */
  algorithm?: string;
  /** The training rows, and the run's folder. */
  dataPath?: string;
  outputDir?: string;
  /** Further keys, in verlet's shape. */
  keys?: Readonly<Record<string, unknown>>;
}

export interface OwnShape {
  layers: Layers;
  /** Those that are still to be applied. */
  overrides: readonly string[];
  /** Of a file in VERL's shape. */
  table?: VerlTable;
}

export async function inOwnShape(files: Layers, overrides: readonly string[], script: ScriptLayer | undefined, problems: Problems): Promise<OwnShape> {
  const root = flatten(files);
  if (!isVerlShape(root)) return { layers: withKeys(files, script, script && ownKeys(script)), overrides };
  const { verl, own } = splitOverrides(overrides);
  const asked = script ? withVerlKeys(root, verlKeys(script), script.name) : root;
  const written = applyOverrides(asked, verl, problems) as Mapping;
  await loadBuiltins();
  // For readers and loggers that the translation looks for; what is wrong with a plugin is said when the result is read.
  await loadListedPlugins(ownSection(written, new Problems()), new Problems());
  const { tree, table } = translateVerl(written, problems);
  const layers = withKeys({ above: tree }, script, script?.keys);
  return { layers, overrides: own, table: setOver(table, tree, flatten(layers)) };
}

/** fromPlain leaves out what is undefined. */
const ownKeys = ({ algorithm, dataPath, outputDir, keys }: ScriptLayer) => ({ algorithm, data: { train: dataPath }, trainer: { outputDir }, ...keys });
const verlKeys = ({ algorithm, dataPath, outputDir }: ScriptLayer) => ({ algorithm_type: algorithm, data: { train_files: dataPath }, trainer: { default_local_dir: outputDir } });

function withKeys(files: Layers, script: ScriptLayer | undefined, keys: Readonly<Record<string, unknown>> = {}): Layers {
  if (!script) return files;
  const place = { ...flatten(files).place, where: script.name, folder: process.cwd() };
  return overlay(files, { above: expandShorthand(fromPlain(keys, place)) as Mapping });
}
