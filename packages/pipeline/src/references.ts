/** `${stages.sft.model}` in a stage: what it may refer to, and what stands there instead. */
import { nearest, type Json } from "@verlet/core";
import { fromPlain, interpolate, without, type Mapping, type Node, type Place, type Problems } from "@verlet/config/nodes";

/** An earlier stage as later ones see it. */
export interface Referable {
  readonly name: string;
  /** Absent where something is wrong with that stage, which is said already. */
  readonly outputs: Readonly<Record<string, Json>> | undefined;
}

export interface ReferenceContext {
  /** All stages' names in order. */
  readonly names: readonly string[];
  /** Those before the stage at hand. */
  readonly earlier: readonly Referable[];
  /** The whole file. */
  readonly root: Mapping;
  readonly problems: Problems;
}

/** The stage with every reference replaced by what it refers to; undefined where one cannot be, which is reported. */
export function resolveReferences(stage: Mapping, context: ReferenceContext): Mapping | undefined {
  const written = without(stage, ["expect"]); // its bounds are measured only later
  const wrong = referencesIn(written).filter((reference) => !isKnown(reference, context));
  if (wrong.length > 0) return undefined;
  const stages = Object.fromEntries(context.earlier.map(({ name, outputs }) => [name, outputs ?? {}]));
  const root: Mapping = { ...context.root, entries: new Map([...context.root.entries, ["stages", { place: stage.place, node: fromPlain(stages, stage.place) }]]) };
  const before = context.problems.count;
  const filled = interpolate(written, { root, problems: context.problems, seen: new Set(), fallback: () => undefined, expected: "stages.<earlier stage>.<output>, or another key of the pipeline" });
  if (context.problems.count > before) return undefined;
  return { ...(asNodes(filled) as Mapping), entries: new Map([...(asNodes(filled) as Mapping).entries, ...[...stage.entries].filter(([key]) => key === "expect")]) };
}

interface Reference {
  stage: string;
  path: readonly string[];
  text: string;
  /** Whether it stands within other text. */
  within: boolean;
  place: Place;
}

function referencesIn(node: Node): Reference[] {
  if (node.type === "list") return node.items.flatMap(referencesIn);
  if (node.type === "mapping") return [...node.entries.values()].flatMap((entry) => referencesIn(entry.node));
  if (typeof node.value !== "string") return [];
  const { value, place } = node;
  return [...value.matchAll(/\$\{\s*stages\.([^.{}\s]+)\.?([^{}\s]*)\s*\}/g)].map(([text, stage, path]) => ({ text, stage: stage!, path: path ? path.split(".") : [], within: text !== value, place }));
}

function isKnown({ stage, path, text, within, place }: Reference, { names, earlier, problems }: ReferenceContext): boolean {
  const before = earlier.map(({ name }) => name);
  const wrong = (what: string, expected: string, fix?: string): false => {
    problems.add(place, { what, got: text, expected, fix });
    return false;
  };
  const among = before.length > 0 ? `one of ${before.join(", ")}` : "no reference, as there is no stage before it";
  const referred = earlier.find(({ name }) => name === stage);
  if (!referred) {
    if (names.includes(stage)) return wrong(`stage ${stage} does not run before this one`, among, "Put the stage that is referred to first");
    const near = nearest(stage, names);
    return wrong("there is no such stage", among, near && `Did you mean \`${near}\`?`);
  }
  if (!referred.outputs) return false;
  if (path[0] === "metrics") return wrong("metrics are known only when that stage has run", "them under `expect` alone");
  const found = path.reduce<Json | undefined>((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined), referred.outputs);
  if (path.length > 0 && found !== undefined) {
    if (!within || !isRecord(found)) return true;
    const parts = Object.keys(found).map((key) => `\${stages.${stage}.${[...path, key].join(".")}}`);
    return wrong("this output is a mapping, which cannot stand within text", `the reference alone, or one of ${parts.join(", ")}`);
  }
  const outputs = Object.keys(referred.outputs);
  const near = nearest(path[0] ?? "", outputs);
  return wrong(`stage ${stage} has no such output`, `one of ${outputs.join(", ")}`, near && path[0] !== near ? `Did you mean \`${near}\`?` : undefined);
}

/** A leaf that took a whole mapping's place becomes one. */
function asNodes(node: Node): Node {
  if (node.type === "leaf") return fromPlain(node.value, node.place);
  if (node.type === "list") return { ...node, items: node.items.map(asNodes) };
  return { ...node, entries: new Map([...node.entries].map(([key, entry]) => [key, { place: entry.place, node: asNodes(entry.node) }])) };
}

const isRecord = (value: Json | undefined): value is { [key: string]: Json } => typeof value === "object" && value !== null && !Array.isArray(value);
