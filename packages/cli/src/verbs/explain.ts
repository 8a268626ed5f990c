import { ConfigError, didYouMean, kindLabels, listNames, registry, type RegistryEntry } from "@verlet/core";
import { explainEntry, findPreset, listPresets } from "@verlet/config";
import { parse } from "yaml";
import { exampleYaml } from "../example-yaml.js";
import { needWords, wordsForNeeds } from "../need-words.js";
import type { JsonFlag } from "../options.js";
import { print, printJson, styles, table } from "../output.js";
import { loadParts, originOf, parseKind, sourceOf } from "../parts.js";

export interface ExplainFlags extends JsonFlag {
  plugins?: string[];
}

export async function explain(kindText: string, name: string, { plugins, json }: ExplainFlags): Promise<void> {
  const kind = parseKind(kindText);
  if (kind === "preset") return explainPreset(name, json);
  await loadParts(plugins);
  const entry = registry.get(kind, name);
  const options = explainEntry(entry);
  const { doc, needs, uses, reads, provides, defaults, source, package: packageName, version } = entry;
  if (json) {
    printJson({ kind, name, doc, options, needs, uses, reads, provides, defaults, source, package: packageName, version, example: exampleYaml(entry) });
    return;
  }
  const { bold } = styles();
  const rows = options.map(({ option, type, default: value, description }) => [option, type, value, description]);
  print(`${bold(name)}  ${kindLabels[kind]} of ${originOf(entry)}`);
  if (doc) print(`  ${doc}`);
  print(section("Options", rows.length > 0 ? table([["name", "type", "default", ""], ...rows]) : "none"));
  print(section("Needs", describeNeeds(entry)));
  print(section("Source", sourceOf(entry)));
  const yaml = exampleYaml(entry);
  if (yaml) print(section("Example", yaml));
}

/** The YAML that a preset's name stands for. */
function explainPreset(name: string, json?: boolean): void {
  const preset = findPreset(name);
  if (!preset) {
    const names = listPresets().map((one) => one.name);
    throw new ConfigError({ where: `preset ${name}`, what: "unknown preset", got: `"${name}"`, expected: `one of ${listNames(names)}`, fix: didYouMean(name, names) });
  }
  if (json) {
    printJson({ kind: "preset", ...preset, keys: parse(preset.yaml) as unknown });
    return;
  }
  print(`${styles().bold(name)}  preset of ${originOf(preset)}`);
  print(section(`algorithm: ${name} stands for`, preset.yaml.trimEnd()));
  print(section("Source", sourceOf(preset)));
}

function describeNeeds({ needs, uses, reads, provides }: RegistryEntry): string {
  const wanted = wordsForNeeds(needs);
  return [
    wanted.length > 0 ? wanted.join(", ") : "nothing",
    ...(uses.length > 0 ? [`reads the sections ${uses.join(", ")}`] : []),
    ...(reads.length > 0 ? [`reads ${reads.map((key) => `data.${key}`).join(", ")}`] : []),
    ...(provides.length > 0 ? [`provides ${provides.map((key) => needWords[key](true)).join(", ")}`] : []),
  ].join("\n");
}

function section(title: string, text: string): string {
  return `\n${styles().bold(title)}\n${indent(text)}`;
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
