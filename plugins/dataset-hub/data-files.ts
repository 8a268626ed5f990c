/** Which files of a repository are which split, as Hugging Face's `datasets` finds them. */
import { extname } from "node:path";
import { DataError, nearest } from "@verlet/core";
import { parseDocument } from "yaml";
import { globMatches } from "./globs.js";

/** The files of each split, in order. */
export type Splits = ReadonlyMap<string, readonly string[]>;

interface ConfigEntry {
  config_name?: unknown;
  data_files?: unknown;
  data_dir?: unknown;
  default?: unknown;
}

const keywords: readonly [split: string, words: string][] = [
  ["train", "train|training"],
  ["validation", "validation|valid|dev|val"],
  ["test", "test|testing|eval|evaluation"],
];
const separated = (words: string): string => `(?:^|[-._ 0-9/])(?:${words})(?=[-._ 0-9]|$)`;

/**
 * The splits of one configuration: those that the README's front matter gives under `configs`, else by the names of folders
 * and files (`data/train-00000-of-00002.parquet`, `test/…`, `my_dev.jsonl`), else all files as `train`.
 * @param files that can be read.
 * @param options.everyKind where the names must say it: files of every kind count, not of the most frequent one alone.
 * @throws DataError for a configuration that is not there, or one of several that is not named.
 */
export function findSplits(files: readonly string[], readme: string | undefined, config: string | undefined, where: string, { everyKind = false } = {}): Splits {
  const entries = configsOf(readme, where);
  const byName = (some: readonly string[], start?: string): Splits => splitsByName(everyKind ? some : ofOneKind(some), start);
  if (entries.length === 0) {
    if (config === undefined || config === "default") return byName(files);
    throw new DataError({ where, what: "no such configuration", got: config, expected: "none: the data set has no configurations", fix: "Take it out of the name" });
  }
  const names = entries.map(({ config_name }) => String(config_name ?? "default"));
  const usual = entries.length === 1 ? 0 : [entries.findIndex((entry) => entry.default === true), names.indexOf("default")].find((i) => i >= 0);
  const chosen = config === undefined ? usual : names.indexOf(config);
  if (chosen === undefined || chosen < 0) {
    const near = config === undefined ? undefined : nearest(config, names);
    throw new DataError({
      where,
      what: config === undefined ? "the data set has several configurations" : "no such configuration",
      ...(config !== undefined && { got: config }),
      expected: `one of ${names.join(", ")}`,
      fix: near ? `Did you mean ${near}?` : `Name it: ${where.replace(/\/[^/]*$/, (end) => (config === undefined ? end : ""))}/${names[0]}`,
    });
  }
  return splitsOf(entries[chosen]!, files, byName);
}

/**
 * The files of a split; of the only one where none is named.
 * @throws DataError for one that is not there, and for several of which none is named.
 */
export function chooseSplit(splits: Splits, split: string | undefined, where: string): readonly string[] {
  const names = [...splits.keys()];
  const name = split ?? (names.length === 1 ? names[0]! : undefined);
  const files = name === undefined ? undefined : splits.get(name);
  if (files && files.length > 0) return files;
  const near = split === undefined ? undefined : nearest(split, names);
  throw new DataError({
    where,
    what: name === undefined ? "the data set has several splits" : files ? "no file of this split is there" : "no such split",
    ...(name !== undefined && { got: name }),
    expected: `one of ${names.join(", ")}`,
    fix: near ? `Did you mean ${near}?` : `Name it: ${where}:${names[0]}`,
  });
}

/** Layout of the branch `refs/convert/parquet`: configuration/split/0000.parquet. */
export function convertedReadme(files: readonly string[]): string {
  const configs = new Map<string, Set<string>>();
  for (const [config, split, file] of files.map((path) => path.split("/"))) {
    if (config !== undefined && split !== undefined && file !== undefined) configs.set(config, (configs.get(config) ?? new Set()).add(split));
  }
  const entries = [...configs].map(([name, splits]) => ({ config_name: name, data_files: [...splits].map((split) => ({ split: split.replace(/^partial-/, ""), path: `${name}/${split}/*` })) }));
  return `---\n${JSON.stringify({ configs: entries })}\n---\n`;
}

function configsOf(readme: string | undefined, where: string): ConfigEntry[] {
  const front = /^---\r?\n([^]*?)\r?\n---/.exec(readme ?? "")?.[1];
  if (front === undefined) return [];
  const document = parseDocument(front);
  const [error] = document.errors;
  if (error) throw new DataError({ where, what: `the front matter of README.md is broken (${error.message.split("\n")[0]!.replace(/:$/, "")})`, expected: "YAML" });
  const { configs } = (document.toJS() as { configs?: unknown } | null) ?? {};
  return Array.isArray(configs) ? (configs as unknown[]).filter((entry): entry is ConfigEntry => typeof entry === "object" && entry !== null) : [];
}

function splitsOf({ data_files: given, data_dir: folder }: ConfigEntry, files: readonly string[], byName: (files: readonly string[], start: string) => Splits): Splits {
  const start = typeof folder === "string" ? `${folder.replace(/^\.\//, "").replace(/\/$/, "")}/` : "";
  const inside = files.filter((file) => file.startsWith(start));
  if (given === undefined || given === null) return byName(inside, start);
  const matching = (patterns: unknown): string[] => {
    const globs = [patterns].flat().filter((glob): glob is string => typeof glob === "string");
    return [...new Set(globs.flatMap((glob) => inside.filter((file) => globMatches(start + glob.replace(/^\.\//, ""), file))))];
  };
  const list = [given].flat() as unknown[];
  if (list.every((one) => typeof one === "string")) return new Map([["train", matching(list)]]);
  const pairs = list.map((one) => one as { split?: unknown; path?: unknown });
  return new Map(pairs.map(({ split, path }) => [String(split ?? "train"), matching(path)]));
}

function splitsByName(files: readonly string[], start = ""): Splits {
  const rest = (file: string): string => file.slice(start.length);
  const sharded = new Map<string, string[]>();
  for (const file of files) {
    const split = /^data\/([^/]+?)-\d{5}-of-\d{5}[^/]*$/.exec(rest(file))?.[1];
    if (split !== undefined) sharded.set(split, [...(sharded.get(split) ?? []), file]);
  }
  if (sharded.size > 0) return sharded;
  const folders = (file: string): string => rest(file).split("/").slice(0, -1).join("/");
  const name = (file: string): string => rest(file).split("/").at(-1)!;
  for (const part of [(file: string) => folders(file).split("/"), (file: string) => [name(file)]]) {
    const found = new Map(keywords.map(([split, words]) => [split, files.filter((file) => part(file).some((text) => new RegExp(separated(words)).test(text)))]));
    const named = new Map([...found].filter(([, some]) => some.length > 0));
    if (named.size > 0) return named;
  }
  return new Map(files.length > 0 ? [["train", files]] : []);
}

/** Names of the configurations that a README gives. */
export function configNames(readme: string, where: string): string[] {
  return configsOf(readme, where).map(({ config_name }) => String(config_name ?? "default"));
}

/** A file's ending, which says what kind it is. */
export const kindOf = (file: string): string => extname(file).toLowerCase();

function ofOneKind(files: readonly string[]): readonly string[] {
  const kinds = new Map<string, string[]>();
  for (const file of files) {
    const kind = kindOf(file);
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return [...kinds.values()].sort((a, b) => b.length - a.length)[0] ?? [];
}
