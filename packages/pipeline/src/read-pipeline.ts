/** A pipeline's YAML as it is written, and the names in it. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError, nearest } from "@verlet/core";
import { displayPath, entryOf, parseYaml, showValueOf, textOf, type Mapping, type Node, type Problems } from "@verlet/config/nodes";
import { asConfig } from "./stage-config.js";

/** The file's text as nodes. @throws ConfigError for one that is missing, not YAML, or not a pipeline. */
export async function readPipeline(full: string, problems: Problems): Promise<Mapping> {
  const name = displayPath(full);
  if (!existsSync(full)) {
    throw new ConfigError({ where: name, what: "cannot read the pipeline", got: "no such file", expected: "a YAML file", fix: `Check the path; the working folder is ${process.cwd()}` });
  }
  const root = parseYaml({ text: await readFile(full, "utf8"), name, folder: dirname(full) }, problems);
  if (root.type === "mapping" && entryOf(root, "stages")) return withConfigs(root);
  const isRun = root.type === "mapping" && (entryOf(root, "algorithm") ?? entryOf(root, "extends")) !== undefined;
  throw new ConfigError({ where: root.place.where, what: "not a pipeline", got: showValueOf(root), expected: "a mapping with `stages:`", ...(isRun && { fix: `For a single run: verlet train ${name}` }) });
}

/** Every stage's `config: file.yaml` as a mapping, so that overrides can change keys of it. */
function withConfigs(root: Mapping): Mapping {
  const key = "stages";
  const { place, node } = entryOf(root, key)!;
  if (node.type !== "list") return root;
  const items = node.items.map((item) => {
    const config = item.type === "mapping" ? item.entries.get("config") : undefined;
    if (item.type !== "mapping" || !config || textOf(config.node) === undefined) return item;
    return { ...item, entries: new Map(item.entries).set("config", { place: config.place, node: asConfig(config.node) }) };
  });
  return { ...root, entries: new Map(root.entries).set(key, { place, node: { ...node, items } }) };
}

/** `stages.sft.config.…` with the stage's place in the list for its name. @throws ConfigError for a name that none has. */
export function byIndex(override: string, root: Mapping): string {
  const [start, name] = /^\s*stages\.([^.=]+)/.exec(override) ?? [];
  if (start === undefined || /^\d+$/.test(name!)) return override;
  const names = namesOf(entryOf(root, "stages")!.node);
  const index = names.indexOf(name);
  if (index >= 0) return `stages.${index}${override.slice(start.length)}`;
  throw unknownStage(`command line ${override}`, name!, names.filter((one) => one !== undefined));
}

export function unknownStage(where: string, name: string, names: readonly string[]): ConfigError {
  const near = nearest(name, names);
  return new ConfigError({ where, what: "there is no such stage", got: `"${name}"`, expected: `one of ${names.join(", ")}`, ...(near && { fix: `Did you mean \`${near}\`?` }) });
}

/** Of each stage in the list, where it has a name. */
export function namesOf(stages: Node): (string | undefined)[] {
  const items = stages.type === "list" ? stages.items : [];
  return items.map((item) => (item.type === "mapping" ? textOf(entryOf(item, "name")?.node) : undefined));
}
