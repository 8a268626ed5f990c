/** A configuration as written: values that know where they stand. */
import { showValue } from "@verlet/core";

export interface Place {
  /** As messages show it: `grpo.yaml:4:11` or `command line trainer.sede=7`. */
  readonly where: string;
  /** What relative plugin and module paths start from. */
  readonly folder: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Leaf {
  readonly type: "leaf";
  readonly place: Place;
  readonly value: unknown;
}
export interface List {
  readonly type: "list";
  readonly place: Place;
  readonly items: readonly Node[];
}
export interface Mapping {
  readonly type: "mapping";
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface Entry {
  /** Where the key stands; its value's place is the node's. */
  readonly place: Place;
  readonly node: Node;
}
export type Node = Leaf | List | Mapping;

/** `output_dir` → `outputDir`: the form in which two spellings of one key are equal. */
export function camel(key: string): string {
  return key.replace(/(?<=[A-Za-z0-9])_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The key under which `key` is written in the mapping, in either spelling. */
export function writtenKey(mapping: Mapping, key: string): string | undefined {
  if (mapping.entries.has(key)) return key;
  const wanted = camel(key);
  for (const written of mapping.entries.keys()) if (camel(written) === wanted) return written;
  return undefined;
}

/** A mapping's entry in either spelling; an explicit null counts as not written. */
export function entryOf(mapping: Mapping, key: string): Entry | undefined {
  const written = writtenKey(mapping, key);
  const entry = written === undefined ? undefined : mapping.entries.get(written);
  return entry && isNull(entry.node) ? undefined : entry;
}

export function isNull(node: Node): boolean {
  return node.type === "leaf" && (node.value === null || node.value === undefined);
}

/** The text of a leaf that holds one. */
export function textOf(node: Node | undefined): string | undefined {
  return node?.type === "leaf" && typeof node.value === "string" ? node.value : undefined;
}

export function toPlain(node: Node): unknown {
  if (node.type === "leaf") return node.value;
  if (node.type === "list") return node.items.map(toPlain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.node)]));
}

/** A node's value as messages show it. */
export function showValueOf(node: Node): string {
  return showValue(toPlain(node));
}

/** A plain value as nodes that all stand at one place. */
export function fromPlain(value: unknown, place: Place): Node {
  if (Array.isArray(value)) return { type: "list", place, items: value.map((item) => fromPlain(item, place)) };
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) {
    return { type: "leaf", place, value };
  }
  const entries = new Map<string, Entry>();
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) entries.set(key, { place, node: fromPlain(item, place) });
  }
  return { type: "mapping", place, entries };
}

/** The node at a path, or the last one on the way that exists. */
export function nearestNode(node: Node, path: readonly PropertyKey[]): Node {
  const [key, ...rest] = path;
  if (key === undefined) return node;
  const next =
    node.type === "mapping" ? node.entries.get(String(key))?.node : node.type === "list" ? node.items[Number(key)] : undefined;
  return next ? nearestNode(next, rest) : node;
}

/** The mapping without some keys, in either spelling. */
export function without(mapping: Mapping, keys: Iterable<string>): Mapping {
  const dropped = new Set([...keys].map(camel));
  return { ...mapping, entries: new Map([...mapping.entries].filter(([key]) => !dropped.has(camel(key)))) };
}

/** The mapping with only some keys, in either spelling. */
export function only(mapping: Mapping, keys: Iterable<string>): Mapping {
  const kept = new Set([...keys].map(camel));
  return { ...mapping, entries: new Map([...mapping.entries].filter(([key]) => kept.has(camel(key)))) };
}
