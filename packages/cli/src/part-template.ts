/** What `verlet new` writes: the files of templates/<kind>/, where `my-part` stands for the name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest, partNamePattern, type Kind } from "@verlet/core";
import { plainKind } from "./plain-kind.js";
import { UsageError } from "./report-error.js";

/** The kinds there is a template for, as the command line and the template folders spell them. */
export const templateKinds = {
  reward: "reward",
  "reward-manager": "rewardManager",
  advantage: "advantage",
  "policy-loss": "policyLoss",
  trainer: "trainer",
} as const satisfies Readonly<Record<string, Kind>>;

export type TemplateKind = keyof typeof templateKinds;

export interface PartFiles {
  /** File names and their text, the plugin first, its test second. */
  files: readonly [name: string, text: string][];
  /** The lines of a YAML beside the plugin that take it. */
  yaml: string;
}

const templates = fileURLToPath(new URL("../templates/", import.meta.url));

/** A kind in any spelling. @throws UsageError with the nearest one */
export function parseTemplateKind(text: string): TemplateKind {
  const kinds = Object.keys(templateKinds) as TemplateKind[];
  const kind = kinds.find((name) => plainKind(name) === plainKind(text));
  if (kind) return kind;
  const suggestion = nearest(text, kinds);
  throw new UsageError(`no template for the kind '${text}'${suggestion ? `\n(Did you mean ${suggestion}?)` : ""}\nKinds: ${kinds.join(", ")}`);
}

/** @throws UsageError for a name that the registry would refuse */
export function renderPart(kind: TemplateKind, name: string): PartFiles {
  if (!partNamePattern.test(name)) throw new UsageError(`'${name}' is no name for a part: letters, digits, -, _ and ., a letter first, as in concise or my-pack/concise`);
  const words = name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/).filter(Boolean);
  const file = words.join("-").toLowerCase();
  const pascal = withoutKind(words, kind).map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  const camel = pascal[0]!.toLowerCase() + pascal.slice(1);
  const render = (suffix: string): [string, string] => {
    const text = readFileSync(join(templates, kind, `my-part${suffix}`), "utf8");
    const named = text.replaceAll("./my-part.ts", `./${file}.ts`).replaceAll("my-part", name).replaceAll("myPart", camel).replaceAll("MyPart", pascal);
    return [`${file}${suffix}`, named];
  };
  const plugin = render(".ts");
  return { files: [plugin, render(".test.ts")], yaml: yamlOf(plugin[1]) };
}

/** The words without the kind at their end, which the template's identifiers add: `ConciseReward` for concise-reward too. */
function withoutKind(words: readonly string[], kind: TemplateKind): readonly string[] {
  const added = kind.split("-");
  const last = words.findLastIndex((word) => !added.includes(word.toLowerCase()));
  return last < 0 ? words : words.slice(0, last + 1);
}

/** The YAML lines in the comment that opens a plugin file. */
function yamlOf(text: string): string {
  const lines = text.slice(0, text.indexOf("\n\n")).split("\n");
  return lines.filter((line) => line.startsWith("//   ")).map((line) => line.slice("//   ".length)).join("\n");
}
