/** One configuration over another: mappings merge key by key, everything else replaces. */
import type { Entry, Mapping, Node } from "./node.js";
import { camel, entryOf, only, textOf, writtenKey } from "./node.js";
import { lossSchema, rewardSchema } from "./sections.js";

/**
 * Mappings that name a part: its options belong to that name, so another name above them leaves them behind.
 * The value lists the keys that belong to the section and stay.
 */
const componentKeys: Readonly<Record<string, readonly string[]>> = {
  algorithm: [],
  advantage: [],
  rewardManager: [],
  loss: Object.keys(lossSchema.shape),
  "rewards.*": Object.keys(rewardSchema.shape),
  verifier: Object.keys(rewardSchema.shape),
  "trainer.loggers.*": [],
};

const pathKey = (path: readonly string[]): string => path.map((key) => (/^\d+$/.test(key) ? "*" : camel(key))).join(".");

export function mergeNodes(base: Node | undefined, over: Node, path: readonly string[] = []): Node {
  if (base?.type !== "mapping" || over.type !== "mapping") return over;
  const kept = renamed(base, over) ? only(base, componentKeys[pathKey(path)] ?? base.entries.keys()) : base;
  const entries = new Map<string, Entry>(kept.entries);
  for (const [key, entry] of over.entries) {
    const before = writtenKey(kept, key);
    const below = before === undefined ? undefined : entries.get(before)?.node;
    if (before !== undefined) entries.delete(before);
    entries.set(key, { place: entry.place, node: mergeNodes(below, entry.node, [...path, key]) });
  }
  return { type: "mapping", place: over.place, entries };
}

function renamed(base: Mapping, over: Mapping): boolean {
  const identity = (mapping: Mapping): string | undefined =>
    textOf(entryOf(mapping, "module")?.node) ?? textOf(entryOf(mapping, "name")?.node);
  const [before, after] = [identity(base), identity(over)];
  return before !== undefined && after !== undefined && before !== after;
}

/** `advantage: grpo` → `advantage: { name: grpo }`, wherever a part may be given by its name alone. */
export function expandShorthand(node: Node, path: readonly string[] = []): Node {
  if (node.type === "leaf") {
    if (typeof node.value !== "string" || !Object.hasOwn(componentKeys, pathKey(path))) return node;
    return { type: "mapping", place: node.place, entries: new Map([["name", { place: node.place, node }]]) };
  }
  if (node.type === "list") {
    return { ...node, items: node.items.map((item, index) => expandShorthand(item, [...path, String(index)])) };
  }
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries) {
    entries.set(key, { place: entry.place, node: expandShorthand(entry.node, [...path, key]) });
  }
  return { ...node, entries };
}
