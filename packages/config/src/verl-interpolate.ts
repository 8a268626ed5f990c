/**
 * `${data.max_prompt_length}` and the like in a file of VERL's shape or a pipeline, as OmegaConf reads them: a key from the top, a
 * key beside it (`${.lr}`, one dot more for each level up), `${oc.select:key,default}` and `${oc.env:NAME,default}`.
 */
import { isNull, toPlain, writtenKey } from "./node.js";
import type { Entry, Leaf, Mapping, Node } from "./node.js";
import type { Problems } from "./problems.js";

export interface Interpolation {
  root: Mapping;
  problems: Problems;
  /** Gets every key that is read. */
  seen: Set<string>;
  /** The value of a key that the file does not write, such as verl's own; undefined where there is none. */
  fallback(key: string): unknown;
  /** What a key may be, for messages. */
  expected: string;
}

/** The tree with every interpolation replaced by its value, at the place of the interpolation. */
export function interpolate(node: Node, context: Interpolation, path: readonly string[] = []): Node {
  if (node.type === "leaf") return typeof node.value === "string" ? fill(node, context, path, []) : node;
  if (node.type === "list") return { ...node, items: node.items.map((item) => interpolate(item, context, path)) };
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries) entries.set(key, { place: entry.place, node: interpolate(entry.node, context, [...path, key]) });
  return { ...node, entries };
}

const pattern = /\$\{([^{}]*)\}/;

function fill(leaf: Leaf, context: Interpolation, path: readonly string[], chain: readonly string[]): Leaf {
  let { value } = leaf;
  for (let match = pattern.exec(String(value)); match && typeof value === "string"; match = pattern.exec(String(value))) {
    const [written, inner] = match;
    const found = resolve(inner!.trim(), leaf, context, path, chain);
    if (found === undefined) return { ...leaf, value: null };
    // Alone it keeps its type; within a text it becomes text.
    value = written === value ? found.value : value.replace(written, () => String(found.value ?? ""));
  }
  return { ...leaf, value };
}

/** The value of what stands between the braces; undefined when that is reported. */
function resolve(inner: string, leaf: Leaf, context: Interpolation, path: readonly string[], chain: readonly string[]): { value: unknown } | undefined {
  const [, resolver, rest] = /^([\w.]+):(.*)$/s.exec(inner) ?? [];
  const [name = "", ...more] = (rest ?? inner).split(",").map((part) => part.trim());
  const otherwise = more.length > 0 ? { value: scalar(more.join(",")) } : undefined;
  const wrong = (got: string, expected: string): undefined => {
    context.problems.add(leaf.place, { what: `\${${inner}} leads nowhere`, got, expected });
    return undefined;
  };
  if (resolver === "oc.env") return process.env[name] === undefined ? (otherwise ?? wrong(`no ${name} in the environment`, "one that is set")) : { value: process.env[name] };
  if (resolver !== undefined && resolver !== "oc.select") return wrong(`the resolver ${resolver}`, "oc.select, oc.env, or a key");
  const key = absolute(name, path);
  if (chain.includes(key)) return wrong([...chain, key].join(" → "), "keys that do not lead back");
  context.seen.add(key);
  const node = nodeAt(context.root, key.split("."));
  if (!node || isNull(node)) {
    const value = otherwise?.value ?? context.fallback(key);
    if (value === undefined && resolver === undefined && node === undefined) return wrong(`no key ${key}`, context.expected);
    return { value: value ?? null };
  }
  if (node.type !== "leaf") return { value: toPlain(node) };
  return { value: typeof node.value === "string" ? fill({ ...node, place: leaf.place }, context, key.split("."), [...chain, key]).value : node.value };
}

/** `.lr` beside `actor.optim.weight_decay` is `actor.optim.lr`. */
function absolute(name: string, path: readonly string[]): string {
  const dots = /^\.*/.exec(name)![0].length;
  return dots === 0 ? name : [...path.slice(0, path.length - dots), name.slice(dots)].join(".");
}

function nodeAt(root: Mapping, keys: readonly string[]): Node | undefined {
  return keys.reduce<Node | undefined>((node, key) => {
    const written = node?.type === "mapping" ? writtenKey(node, key) : undefined;
    return written === undefined ? undefined : (node as Mapping).entries.get(written)!.node;
  }, root);
}

/** A default as OmegaConf reads it: null, true, 0.5, or text with or without quotes. */
function scalar(written: string): unknown {
  const known: Readonly<Record<string, unknown>> = { null: null, None: null, true: true, True: true, false: false, False: false };
  if (Object.hasOwn(known, written)) return known[written];
  const value = Number(written);
  return written !== "" && Number.isFinite(value) ? value : written.replace(/^(["'])(.*)\1$/s, "$2");
}
