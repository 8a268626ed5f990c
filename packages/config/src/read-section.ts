/** A mapping as written → a section's values: spellings settled, unknown keys and wrong types reported with their places. */
import { describeIssues, nearest, showValue } from "@verlet/core";
import { z } from "zod";
import type { Entry, Mapping, Node, Place } from "./node.js";
import { camel, isNull, nearestNode, showValueOf, toPlain } from "./node.js";
import type { Problems } from "./problems.js";

export interface SectionOptions {
  /** How messages name it: `trainer`, `rewards[0]`, or empty at the top. */
  label: string;
  problems: Problems;
  /** Where it would stand, when it is not written. */
  place: Place;
  /** Keys that are read elsewhere, for the list of allowed keys. */
  otherKeys?: readonly string[];
  /** A further hint for an unknown key. */
  hint?: (key: string) => string | undefined;
}

/** The section's values with defaults, or undefined when something in it is wrong (and reported). */
export function readSection<S extends z.ZodObject>(
  schema: S,
  node: Node | undefined,
  options: SectionOptions,
): z.output<S> | undefined {
  const { label, problems, place } = options;
  if (node && !isNull(node) && node.type !== "mapping") {
    problems.add(node.place, { what: label, got: showValueOf(node), expected: "a mapping" });
    return undefined;
  }
  const written: Mapping = node?.type === "mapping" ? node : { type: "mapping", place: node?.place ?? place, entries: new Map() };
  let isKnown = true;
  const unknownKey = (key: string, entry: Entry, inner: z.ZodObject, path: readonly string[]): void => {
    isKnown = false;
    const allowed = [...(path.length === 0 ? (options.otherKeys ?? []) : []), ...Object.keys(inner.shape)];
    const near = nearest(key, allowed);
    const at = [label, ...path].filter(Boolean).join(".");
    problems.add(entry.place, {
      what: `unknown key${at && ` in ${at}`}`,
      got: `\`${key}\``,
      expected: allowed.length > 0 ? `one of ${allowed.join(", ")}` : "no keys",
      fix: options.hint?.(key) ?? (near && `Did you mean \`${near}\`?`),
    });
  };
  const settled = settleKeys(schema, written, [], unknownKey);
  const input = toPlain(settled);
  const parsed = schema.safeParse(input);
  if (parsed.success) return isKnown ? parsed.data : undefined;
  for (const { path, got, expected, fix } of describeIssues(parsed.error, input)) {
    const at = pathText(label, path);
    const { place: where } = nearestNode(settled, path);
    const isMissing = got === showValue(undefined);
    problems.add(where, isMissing ? { what: `${at} is missing`, expected, fix } : { what: at, got, expected, fix });
  }
  return undefined;
}

/** `rewards[0].options.pattern` */
export function pathText(label: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    label,
  );
}

type OnUnknown = (key: string, entry: Entry, schema: z.ZodObject, path: readonly string[]) => void;

/** Renames keys to the schema's spelling, drops what it does not know, and takes a null for an optional key as absent. */
function settleKeys(schema: z.ZodType, node: Node, path: readonly string[], onUnknown: OnUnknown): Node {
  const inner = unwrap(schema, node);
  if (inner instanceof z.ZodArray && node.type === "list") {
    const element = inner.element as z.ZodType;
    return { ...node, items: node.items.map((item, index) => settleKeys(element, item, [...path, String(index)], onUnknown)) };
  }
  if (node.type !== "mapping") return node;
  if (inner instanceof z.ZodRecord) {
    const value = inner.valueType as z.ZodType;
    const entries = new Map<string, Entry>();
    for (const [key, entry] of node.entries) {
      entries.set(key, { place: entry.place, node: settleKeys(value, entry.node, [...path, key], onUnknown) });
    }
    return { ...node, entries };
  }
  if (!(inner instanceof z.ZodObject)) return node;
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries) {
    const known = keyIn(inner, key);
    if (known === undefined) {
      if (isStrict(inner)) onUnknown(key, entry, inner, path);
      else entries.set(key, entry);
      continue;
    }
    const field = inner.shape[known] as z.ZodType;
    if (isNull(entry.node) && field instanceof z.ZodOptional) continue;
    entries.set(known, { place: entry.place, node: settleKeys(field, entry.node, [...path, known], onUnknown) });
  }
  return { ...node, entries };
}

function keyIn(schema: z.ZodObject, key: string): string | undefined {
  if (Object.hasOwn(schema.shape, key)) return key;
  return Object.keys(schema.shape).find((known) => camel(known) === camel(key));
}

/** A catch-all that takes something is a schema open on purpose. */
function isStrict(schema: z.ZodObject): boolean {
  const { catchall } = schema.def;
  return catchall === undefined || (catchall as z.ZodType).def.type === "never";
}

/** The schema inside defaults, optionals and the like; of a union, the member that the node looks like. */
function unwrap(schema: z.ZodType, node: Node): z.ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNonOptional ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch ||
    schema instanceof z.ZodLazy
  ) {
    return unwrap(schema.unwrap() as z.ZodType, node);
  }
  if (schema instanceof z.ZodPipe) return unwrap(schema.in as z.ZodType, node);
  if (!(schema instanceof z.ZodUnion)) return schema;
  const members = (schema.options as readonly z.ZodType[]).map((member) => unwrap(member, node));
  if (node.type === "list") return members.find((member) => member instanceof z.ZodArray) ?? schema;
  if (node.type !== "mapping") return schema;
  const objects = members.filter((member) => member instanceof z.ZodObject);
  const hits = (member: z.ZodObject): number => [...node.entries.keys()].filter((key) => keyIn(member, key) !== undefined).length;
  return objects.sort((a, b) => hits(b) - hits(a))[0] ?? members.find((member) => member instanceof z.ZodRecord) ?? schema;
}
