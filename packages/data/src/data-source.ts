/** What `data.train` names: paths, splits, slices. */
import { existsSync, statSync } from "node:fs";
import { basename, extname } from "node:path";
import type { DataSource, SourceSpec } from "@verlet/core";
import { DataError } from "@verlet/core";
import type { Slice } from "./slice.js";
import { parseSlice } from "./slice.js";

/** Data sets of the Hugging Face hub start with this; everything else is a path. */
export const HUB_SCHEME = "hf://";

/** One split, or a part of it; without a name the reader's only one, or a file's rows. */
export interface SplitPart {
  split?: string;
  slice?: Slice;
}

export interface ParsedSource extends Omit<SourceSpec, "split" | "config" | "revision"> {
  /** As a dataset reader takes it, without splits. */
  path: string;
  name: string;
  /** Read one after the other. */
  parts: readonly SplitPart[];
}

export function listSources(source: DataSource): readonly (string | SourceSpec)[] {
  return typeof source === "string" || !isList(source) ? [source as string | SourceSpec] : source;
}

/** The source in a few words, for the screen. */
export function describeSource(source: DataSource): string {
  return listSources(source)
    .map((one) => `${describeOne(one)}${typeof one === "string" || one.weight === undefined ? "" : ` (weight ${one.weight})`}`)
    .join(" + ");
}

/** One source as a path with its split. */
export function describeOne(source: string | SourceSpec): string {
  if (typeof source === "string") return source;
  const { path, config, revision, split } = source;
  return `${withHubParts(path, config, revision)}${split === undefined ? "" : split.startsWith("[") ? split : `:${split}`}`;
}

/**
 * `./rows.jsonl[:1000]`, `hf://owner/name:train[:1000]+test`, `./folder:test`, or the same as a mapping. A file whose own name
 * ends in brackets is that file.
 * @throws DataError for a slice that is none, for a split given twice, and for hub keys on a file.
 */
export function parseSource(source: string | SourceSpec): ParsedSource {
  const { config, revision, split, ...spec } = typeof source === "string" ? { path: source } as SourceSpec : source;
  const written = splitOff(spec.path);
  const where = spec.path;
  if (split !== undefined && written.split !== undefined) {
    throw new DataError({ where, what: "the split is given twice", got: `${written.split} in the path and split: ${split}`, expected: "one of them" });
  }
  if (!isHub(where) && (revision !== undefined || (config !== undefined && !isFolder(written.path)))) {
    throw new DataError({ where, what: "config and revision belong to data sets of the hub", got: "a path", expected: `${HUB_SCHEME}owner/name`, fix: "Take them out" });
  }
  const expression = split ?? written.split;
  return {
    ...spec,
    path: withHubParts(written.path, config, revision),
    name: spec.name ?? nameOf(written.path),
    parts: expression === undefined ? [{}] : expression.split("+").map((part) => parsePart(part.trim(), where)),
  };
}

/** `owner/name` of a data set of the hub, a file's name without its ending. */
function nameOf(path: string): string {
  if (isHub(path)) return path.slice(HUB_SCHEME.length).replace(/^datasets\//, "").split("/").slice(0, 2).join("/").replace(/@.*/, "");
  return basename(path, extname(path));
}

export function isHub(path: string): boolean {
  return path.startsWith(HUB_SCHEME);
}

/** Whether it is a folder that is there: a data set of several files, as the hub's are. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function splitOff(text: string): { path: string; split?: string } {
  if (isHub(text)) {
    const [, path, split, slice] = /^(hf:\/\/[^:[]*)(?::(.*))?(\[.*)?$/.exec(text)!;
    const expression = split ?? slice;
    return expression === undefined ? { path: path! } : { path: path!, split: expression };
  }
  if (existsSync(text)) return { path: text };
  const [, folder, ofFolder] = /^(.+?):(\w[^/\\]*)$/.exec(text) ?? [];
  if (folder !== undefined && isFolder(folder)) return { path: folder, split: ofFolder! };
  const [, path = text, split] = /^(.+?)(\[[^[\]]*\])$/.exec(text) ?? [];
  return { path, ...(split !== undefined && { split }) };
}

function parsePart(text: string, where: string): SplitPart {
  const match = /^([^[\]]*)(?:\[([^[\]]*)\])?$/.exec(text);
  if (!match || text === "") {
    throw new DataError({ where, what: "this is no split", got: JSON.stringify(text), expected: "train, train[:1000] or train[10%:20%]; several with + between them" });
  }
  const [, split, slice] = match;
  return { ...(split !== "" && { split: split! }), ...(slice !== undefined && { slice: parseSlice(slice, where) }) };
}

/** The keys `config` and `revision` in the form that a path has them: `hf://owner/name@revision/config`, `folder/config`. */
function withHubParts(path: string, config: string | undefined, revision: string | undefined): string {
  const [, start, rest = ""] = /^(hf:\/\/(?:datasets\/)?[^/]*\/[^/@]*)(.*)$/.exec(path) ?? [path, path];
  const both = (config !== undefined && rest.includes("/")) || (revision !== undefined && rest.startsWith("@"));
  if (both) throw new DataError({ where: path, what: "config or revision is given twice", got: `${rest} in the path`, expected: "it in the path, or as a key" });
  const at = revision === undefined ? "" : `@${encodeURIComponent(revision)}`;
  return `${start}${at}${rest}${config === undefined ? "" : `/${config}`}`;
}

function isList(source: Exclude<DataSource, string>): source is readonly (string | SourceSpec)[] {
  return Array.isArray(source);
}
