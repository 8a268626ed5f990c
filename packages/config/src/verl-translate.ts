/** A whole file in VERL's shape → the same in verlet's. */
import { expandShorthand, mergeNodes } from "./merge.js";
import type { Mapping, Node } from "./node.js";
import { camel, entryOf, fromPlain, showValueOf, toPlain, without } from "./node.js";
import type { Problems } from "./problems.js";
import { applyAlgorithmType } from "./verl-algorithm.js";
import { interpolate } from "./verl-interpolate.js";
import { dataSchema, trainerSchema } from "./sections.js";
import { verlRules } from "./verl-rules.js";
import type { VerlTable } from "./verl-translation.js";
import { VerlTranslation } from "./verl-translation.js";

/** The section of such a file that holds verlet's own keys. */
const OWN = "verlet";

/** The `verlet:` section; empty where there is none. */
export function ownSection(root: Mapping, problems: Problems): Mapping {
  const node = entryOf(root, OWN)?.node;
  if (node?.type === "mapping") return node;
  if (node) problems.add(node.place, { what: OWN, got: showValueOf(node), expected: "a mapping with verlet's own keys" });
  return { type: "mapping", place: root.place, entries: new Map() };
}

/**
 * Translates key by key, and puts the file's `verlet:` section over what came of it.
 * @returns the file in verlet's shape, and the table of what became of each key. What is wrong is added to the problems.
 */
export function translateVerl(root: Mapping, problems: Problems): { tree: Mapping; table: VerlTable } {
  const own = ownSection(root, problems);
  const written = without(root, [OWN]);
  const fallbacks = new Map(verlRules.map(({ key, fallback }) => [key, fallback]));
  const seen = new Set<string>();
  const plain = interpolate(written, { root: written, problems, seen, fallback: (key) => fallbacks.get(key), expected: "a key of this file or of verl's own defaults" }) as Mapping;
  const translation = new VerlTranslation(plain, verlRules, problems, seen);
  applyAlgorithmType(translation);
  const { tree, table } = translation.run();
  const before = expandShorthand(tree) as Mapping;
  const ownKeys = leaves(own).map(({ path, value }) => ({ verl: `${OWN}.${path}`, ours: path, value, written: true }));
  const after = mergeNodes(before, expandShorthand(own)) as Mapping;
  const kept = setOver(table, before, after);
  return { tree: after, table: { ...kept, keys: [...kept.keys, ...ownKeys] } };
}

/** Marks the keys that something else was set over since. */
export function setOver(table: VerlTable, before: Mapping, after: Mapping): VerlTable {
  const changed = (ours: string): boolean => JSON.stringify(valueAt(before, ours)) !== JSON.stringify(valueAt(after, ours));
  const keys = table.keys.map((key) => (changed(key.ours) ? { ...key, ...standing(after, key.ours), over: true } : key));
  return { ...table, keys: keys.filter((key, i) => keys.findIndex(({ verl, ours }) => verl === key.verl && ours === key.ours) === i) };
}

/** What stands at a key; where another part took the place of the one that had it, the nearest key above. */
function standing(root: Mapping, ours: string): { ours: string; value: unknown } {
  const value = valueAt(root, ours);
  return value === undefined && ours.includes(".") ? standing(root, ours.slice(0, ours.lastIndexOf("."))) : { ours, value };
}

/** The same of plain configurations, both complete. */
export function markChanges(table: VerlTable, before: unknown, after: unknown): VerlTable {
  const place = { where: "", folder: "", file: "", line: 1, column: 1 };
  return setOver(table, fromPlain(before, place) as Mapping, fromPlain(after, place) as Mapping);
}

function valueAt(root: Mapping, path: string): unknown {
  const node = path.split(".").reduce<Node | undefined>((at, key) => (at?.type === "mapping" ? entryOf(at, key)?.node : undefined), root);
  return node && toPlain(node);
}

/** Everything that is no mapping, by its path. */
function leaves(node: Node, path: readonly string[] = []): { path: string; value: unknown }[] {
  if (node.type !== "mapping") return [{ path: path.join("."), value: toPlain(node) }];
  return [...node.entries].flatMap(([key, entry]) => leaves(entry.node, [...path, camel(key)]));
}

/** The file with what a script or the command line sets over it, in VERL's keys. */
export function withVerlKeys(root: Mapping, keys: Readonly<Record<string, unknown>>, where: string): Mapping {
  return mergeNodes(root, fromPlain(keys, { ...root.place, where, folder: process.cwd() })) as Mapping;
}

/** Sections that both shapes have, each with verlet's own keys of it; those of `algorithm` are every algorithm's own. */
const shared: Readonly<Record<string, readonly string[] | undefined>> = {
  data: Object.keys(dataSchema.shape),
  trainer: [...Object.keys(trainerSchema.shape), "loggers"],
  algorithm: undefined,
};
const tops = new Set([OWN, ...verlRules.map(({ key }) => key.split(".")[0]!)].map(camel));

/**
 * Sorts overrides of a file in VERL's shape: by VERL's keys, in the forms that Hydra takes (`+key=…`, `++key=…`, `~key`), and by
 * verlet's, which stand over what the file is translated to. A key that both have is VERL's.
 */
export function splitOverrides(overrides: readonly string[]): { verl: string[]; own: string[] } {
  const verl: string[] = [];
  const own: string[] = [];
  for (const override of overrides) {
    const [, sign, key, value] = /^(~|\+{0,2})([^=]*)(=?.*)$/s.exec(override)!;
    if (isVerlKey(key!.trim(), value!)) verl.push(`${key}${sign === "~" ? "=null" : value}`);
    else own.push(override);
  }
  return { verl, own };
}

function isVerlKey(written: string, value: string): boolean {
  const [top, second] = written.split(".").map(camel) as [string, string | undefined];
  if (!tops.has(top)) return false;
  if (!(top in shared)) return true;
  if (second === undefined) return /^=\s*\{/.test(value);
  if (verlRules.some(({ key }) => key.split(".").slice(0, 2).map(camel).join(".") === `${top}.${second}`)) return true;
  return shared[top] !== undefined && !shared[top].includes(second);
}
