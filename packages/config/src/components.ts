/** Sections that name registered parts: the name is looked up, its options are read with its own schema. */
import { aKind, describeUnknown, kindLabels, registry } from "@verlet/core";
import type { Kind, OtherNames, RegistryEntry } from "@verlet/core";
import type { z } from "zod";
import type { Mapping, Node, Place } from "./node.js";
import { entryOf, isNull, only, showValueOf, without } from "./node.js";
import type { Problems } from "./problems.js";
import { readSection } from "./read-section.js";
import type { ComponentChoice } from "./types.js";

export interface ComponentContext {
  kind: Kind;
  label: string;
  problems: Problems;
  /** Names beside the registered ones that would have done. */
  also?: OtherNames;
  /** A plugin that did not load may be the reason for an unknown name. */
  pluginsFailed: boolean;
}

/** The node as a mapping with a name, or undefined when that is reported. */
export function asComponent(node: Node, { kind, label, problems }: ComponentContext): Mapping | undefined {
  if (node.type === "mapping") return node;
  const expected = `the name of ${aKind(kind)}, or a mapping with \`name\``;
  problems.add(node.place, { what: label, got: showValueOf(node), expected });
  return undefined;
}

/** Looks up `name`; `fallback` stands in where none is written. */
export function findEntry(mapping: Mapping, context: ComponentContext, fallback?: string): RegistryEntry | undefined {
  const { kind, label, problems, pluginsFailed, also } = context;
  const written = entryOf(mapping, "name")?.node;
  const name = written === undefined ? fallback : written.type === "leaf" ? written.value : undefined;
  const place = written?.place ?? mapping.place;
  if (typeof name !== "string") {
    const expected = `the name of ${aKind(kind)}: ${registry.names(kind).join(", ")}`;
    const words = written ? { what: `${label}.name`, got: showValueOf(written) } : { what: `${label}.name is missing` };
    problems.add(place, { ...words, expected });
    return undefined;
  }
  const entry = registry.find(kind, name);
  if (entry) return entry;
  const words = describeUnknown(kind, name, also);
  problems.add(place, { ...words, fix: pluginsFailed ? "It may come from the plugin that did not load" : words.fix });
  return undefined;
}

/** `{ name, ...options }`, with the keys of `section` (if any) standing between them. */
export function readFlat<S extends z.ZodObject>(
  node: Node,
  context: ComponentContext,
  section: S,
  fallback?: string,
): (ComponentChoice & z.output<S>) | undefined {
  const mapping = asComponent(node, context);
  if (!mapping) return undefined;
  const { label, problems } = context;
  const entry = findEntry(mapping, context, fallback);
  const sectionKeys = Object.keys(section.shape);
  const common = readSection(section, only(mapping, sectionKeys), { label, problems, place: mapping.place });
  if (!entry) return undefined;
  checkClash(entry, ["name", ...sectionKeys], mapping.place, context);
  const options = readSection(entry.options, without(mapping, ["name", ...sectionKeys]), {
    label,
    problems,
    place: mapping.place,
    otherKeys: ["name", ...sectionKeys],
  });
  return common && options && { ...common, name: entry.name, options };
}

/** An option that has the name of a key of the section could never be set. */
function checkClash(entry: RegistryEntry, taken: readonly string[], place: Place, { label, problems }: ComponentContext): void {
  const clash = Object.keys(entry.options.shape).find((key) => taken.includes(key));
  if (clash === undefined) return;
  problems.add(place, {
    what: `${kindLabels[entry.kind]} ${entry.name} has an option that is a key of \`${label}\` itself`,
    got: `\`${clash}\``,
    expected: `none of ${taken.join(", ")}`,
    fix: `Rename it in ${entry.source}`,
  });
}

/** The elements of a list section, or undefined when it is not one. */
export function listItems(node: Node, label: string, expected: string, problems: Problems): readonly Node[] | undefined {
  if (node.type === "list") return node.items;
  if (isNull(node)) return [];
  problems.add(node.place, { what: label, got: showValueOf(node), expected });
  return undefined;
}
