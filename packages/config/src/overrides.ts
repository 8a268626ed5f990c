/** `trainer.seed=7` from the command line, over what the files say. */
import { ConfigError } from "@verlet/core";
import type { Layers } from "./layers.js";
import { overlay } from "./layers.js";
import { expandShorthand, mergeNodes } from "./merge.js";
import type { Mapping, Node, Place } from "./node.js";
import { writtenKey } from "./node.js";
import { parseYaml } from "./parse-yaml.js";
import type { Problems } from "./problems.js";

/** Applies the overrides in order; what is wrong with one is added to the problems and it is left out. */
export function applyOverrides(root: Node, overrides: readonly string[], problems: Problems): Node {
  return overrides.reduce((node, text, index) => applyOverride(node, text, index, problems), root);
}

/**
 * Puts the overrides that name the algorithm over the files, as a layer of its own, so that the keys of a preset named
 * there lie under the other overrides, whatever their order.
 */
export function overrideAlgorithm(files: Layers, overrides: readonly string[], problems: Problems): { layers: Layers; rest: readonly string[] } {
  const isNaming = (text: string): boolean => /^\s*algorithm(\.name)?\s*=/.test(text);
  const naming = overrides.filter(isNaming);
  const empty: Mapping = { ...files.above, entries: new Map() };
  const over = applyOverrides(empty, naming, problems) as Mapping;
  return { layers: overlay(files, { above: over }), rest: overrides.filter((text) => !isNaming(text)) };
}

function applyOverride(root: Node, text: string, index: number, problems: Problems): Node {
  const file = "command line";
  const place: Place = { where: `${file} ${text}`, folder: process.cwd(), file, line: index, column: 1 };
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(equals, 0)).trim().split(".");
  if (equals < 0 || path.some((key) => key === "")) {
    problems.add(place, { what: "unreadable override", got: `"${text}"`, expected: "key.path=value, such as trainer.seed=7" });
    return root;
  }
  try {
    const value = parseYaml({ text: text.slice(equals + 1), name: file, folder: place.folder }, problems, place);
    return put(root, path, 0, value, place);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { where: _, ...parts } of error.problems) problems.add(place, parts);
    return root;
  }
}

/** The tree with `value` at the path; mappings on the way are made, list elements must exist or be the next one. */
function put(node: Node | undefined, path: readonly string[], depth: number, value: Node, place: Place): Node {
  const key = path[depth];
  if (key === undefined) return mergeNodes(node, expandShorthand(value, path), path);
  if (node?.type === "list") {
    const index = Number(key);
    if (!/^\d+$/.test(key) || index > node.items.length) throw wrongIndex(path, depth, node.items.length, place);
    const items = [...node.items];
    items[index] = put(items[index], path, depth + 1, value, place);
    return { ...node, items };
  }
  if (node && node.type === "leaf" && node.value !== null) {
    throw new ConfigError({
      where: place.where,
      what: `${path.slice(0, depth).join(".")} has no keys of its own`,
      got: JSON.stringify(node.value),
      expected: `a mapping in which \`${key}\` can be set`,
    });
  }
  const mapping: Mapping = node?.type === "mapping" ? node : { type: "mapping", place, entries: new Map() };
  const before = writtenKey(mapping, key);
  const below = before === undefined ? undefined : mapping.entries.get(before)!.node;
  const entry = { place, node: put(below, path, depth + 1, value, place) };
  return mergeNodes(mapping, { ...mapping, entries: new Map([[key, entry]]) }, path.slice(0, depth));
}

function wrongIndex(path: readonly string[], depth: number, length: number, place: Place): ConfigError {
  return new ConfigError({
    where: place.where,
    what: `${path.slice(0, depth).join(".")} is a list`,
    got: `"${path[depth]!}"`,
    expected: length === 0 ? "0, for its first element" : `an element's number, 0 to ${length - 1}, or ${length} to add one`,
  });
}
