import { kindLabels, registry, type Needs, type RegistryEntry } from "@verlet/core";
import { explainEntry } from "@verlet/config";
import { exampleYaml } from "../example-yaml.js";
import type { JsonFlag } from "../options.js";
import { print, printJson, styles, table } from "../output.js";
import { loadParts, originOf, parseKind, sourceOf } from "../parts.js";

export interface ExplainFlags extends JsonFlag {
  plugins?: string[];
}

export async function explain(kindText: string, name: string, { plugins, json }: ExplainFlags): Promise<void> {
  const kind = parseKind(kindText);
  await loadParts(plugins);
  const entry = registry.get(kind, name);
  const options = explainEntry(entry);
  const { doc, needs, uses, provides, defaults, source, package: packageName, version } = entry;
  if (json) {
    printJson({ kind, name, doc, options, needs, uses, provides, defaults, source, package: packageName, version, example: exampleYaml(entry) });
    return;
  }
  const { bold } = styles();
  const section = (title: string, text: string): string => `\n${bold(title)}\n${indent(text)}`;
  const rows = options.map(({ option, type, default: value, description }) => [option, type, value, description]);
  print(`${bold(name)}  ${kindLabels[kind]} of ${originOf(entry)}`);
  if (doc) print(`  ${doc}`);
  print(section("Options", rows.length > 0 ? table([["name", "type", "default", ""], ...rows]) : "none"));
  print(section("Needs", describeNeeds(entry)));
  print(section("Source", sourceOf(entry)));
  const yaml = exampleYaml(entry);
  if (yaml) print(section("Example", yaml));
}

const needWords: Readonly<Record<keyof Needs, (value: number | boolean) => string>> = {
  leastGroupSize: (value) => `rollout.numGenerations of at least ${value}`,
  critic: () => "values from a critic",
  reference: () => "a frozen reference model",
  greedyBaseline: () => "the score of each prompt's greedy completion",
  perRewardScores: () => "each reward's own scores",
};

function describeNeeds({ needs, uses, provides }: RegistryEntry): string {
  const wanted = (Object.keys(needWords) as (keyof Needs)[]).flatMap((key) => (needs[key] ? [needWords[key](needs[key])] : []));
  return [
    wanted.length > 0 ? wanted.join(", ") : "nothing",
    ...(uses.length > 0 ? [`reads the sections ${uses.join(", ")}`] : []),
    ...(provides.length > 0 ? [`provides ${provides.map((key) => needWords[key](true)).join(", ")}`] : []),
  ].join("\n");
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
