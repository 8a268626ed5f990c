/** Reads data sets through the registered dataset readers. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Columns, DatasetReader, DataSource, ReadListeners, Row, SourceSpec } from "@verlet/core";
import { DataError, createComponent, registry } from "@verlet/core";
import type { ColumnRole } from "./columns.js";
import { columnName, findColumn, listColumns } from "./columns.js";
import type { ParsedSource, SplitPart } from "./data-source.js";
import { HUB_SCHEME, describeOne, isHub, listSources, parseSource } from "./data-source.js";
import { placeOf, setPlace } from "./places.js";
import { sliceRange } from "./slice.js";

/** One data set of a list of them. */
export interface SourceRows {
  /** What `data_source` says of its rows. */
  name: string;
  /** Of all sources or of none. */
  weight?: number;
  rows: readonly Row[];
}

export interface RowSet {
  /** Of all sources, one after the other. */
  rows: readonly Row[];
  /** `file:row` of the i-th row (0-based); rows count from 1, for JSON lines it is the line. */
  where(i: number): string;
}

export interface SourcedRows extends RowSet {
  sources: readonly SourceRows[];
}

export interface ReadRowsOptions extends ReadListeners {
  /** Only the first so many rows of each source that does not say its own number. */
  maxSamples?: number;
  /** The columns of the section, whose names those of a source's own `columns` get. */
  columns?: Columns;
  /** The split to read where a data set has several and none is named. */
  defaultSplit?: string;
}

/**
 * @throws DataError when no reader takes a path, when a file is missing or broken, when nothing is left of it, and when only
 * some of several sources have a weight. With `broken` a broken row is no error unless no other is there.
 */
export async function readRows(source: DataSource, options: ReadRowsOptions = {}): Promise<SourcedRows> {
  const parsed = listSources(source).map(parseSource);
  if (parsed.length === 0) throw new DataError({ where: "data", what: "there is no data set", got: "an empty list", expected: "at least one path" });
  requireWeights(parsed);
  const names = sourceNames(listSources(source), parsed);
  const sources: SourceRows[] = [];
  for (const [i, one] of parsed.entries()) {
    const rows = await readSource(one, options);
    sources.push({ name: names[i]!, ...(one.weight !== undefined && { weight: one.weight }), rows: Array.isArray(source) ? rows.map((row) => withSource(row, names[i]!)) : rows });
  }
  const rows = sources.flatMap((one) => one.rows);
  return { rows, sources, where: (i) => placeOf(rows[i]!)! };
}

async function readSource({ path, parts, columns, maxSamples }: ParsedSource, options: ReadRowsOptions): Promise<readonly Row[]> {
  const reader = findReader(path);
  const rows: Row[] = [];
  for (const part of parts) rows.push(...(await readPart(reader, path, part, options)));
  const kept = rows.slice(0, maxSamples ?? options.maxSamples);
  return columns ? kept.map((row) => withColumns(row, columns, options.columns ?? {})) : kept;
}

async function readPart(reader: DatasetReader, path: string, { split, slice }: SplitPart, { defaultSplit, log, broken }: ReadRowsOptions): Promise<readonly Row[]> {
  if (split !== undefined && !reader.hasSplits) {
    throw new DataError({ where: path, what: "a file has no splits", got: split, expected: "a part of its rows, such as [:1000]", fix: `Name the file of that split; splits belong to ${HUB_SCHEME}owner/name` });
  }
  let first: DataError | undefined;
  const note = broken && ((error: DataError): void => {
    first ??= error;
    broken(error);
  });
  const all = await readFrom(reader, path, reader.hasSplits ? (split ?? defaultSplit) : undefined, { ...(log && { log }), ...(note && { broken: note }) });
  if (all.length === 0) throw first ?? new DataError({ where: path, what: "the data set is empty", got: "0 rows", expected: "at least one" });
  all.forEach((row, i) => {
    if (placeOf(row) === undefined) setPlace(row, `${path}:${i + 1}`);
  });
  if (!slice) return all;
  const [from, to] = sliceRange(slice, all.length);
  if (from >= to) throw new DataError({ where: path, what: "this part of it has no rows", got: `[${slice.text}] of ${all.length} rows`, expected: "at least one" });
  return all.slice(from, to);
}

/** A reader of named data sets is asked before those of files: a name may end as a file's does. */
function findReader(path: string): DatasetReader {
  const names = registry.names("dataset");
  const accepting = names.map((name) => createComponent("dataset", name)).filter((reader) => reader.accepts(path));
  const reader = accepting.find(({ hasSplits }) => hasSplits) ?? accepting[0];
  if (reader) return reader;
  if (!isHub(path) && !existsSync(path)) throw missingFile(path);
  throw new DataError({
    where: path,
    what: "no dataset reader takes this file",
    expected: names.length > 0 ? `a file for one of the readers ${names.join(", ")}` : "a registered reader (there is none)",
    fix: "Convert it to JSON lines (.jsonl), or list a plugin with a reader for it under `plugins:`",
  });
}

async function readFrom(reader: DatasetReader, path: string, split: string | undefined, listeners: ReadListeners): Promise<readonly Row[]> {
  try {
    return await reader.read(path, split, listeners);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw missingFile(path);
    if (code === "EISDIR") throw new DataError({ where: path, what: "this is a folder", expected: "a file" });
    throw error;
  }
}

function missingFile(path: string): DataError {
  const looksLikeName = /^[\w.-]+\/[\w.-]+$/.test(path) && !/\.\w{2,7}$/.test(path) && !path.startsWith(".");
  const fix = looksLikeName
    ? `For the data set of that name on the Hugging Face hub, write ${HUB_SCHEME}${path}`
    : "Check data.train or data.eval; relative paths start where the command was run";
  return new DataError({ where: path, what: "no such file", got: resolve(path), fix });
}

function requireWeights(sources: readonly ParsedSource[]): void {
  const without = sources.find(({ weight }) => weight === undefined);
  if (!without || sources.every(({ weight }) => weight === undefined)) return;
  throw new DataError({ where: without.path, what: "no weight, beside data sets that have one", expected: "a weight for each, or for none", fix: "Without weights every row is seen once an epoch" });
}

/** Names that tell the sources apart: where two are equal, what was written takes their place. */
function sourceNames(written: readonly (string | SourceSpec)[], parsed: readonly ParsedSource[]): string[] {
  const count = (name: string): number => parsed.filter((one) => one.name === name).length;
  return parsed.map(({ name }, i) => (count(name) > 1 ? describeOne(written[i]!) : name));
}

/** The row with its source's name, unless it says itself where it is from. */
function withSource(row: Row, name: string): Row {
  return (row.data_source ?? row.dataSource ?? null) === null ? copyOf(row, { data_source: name }) : row;
}

/** The row with its source's own columns under the names that the section has for them. */
function withColumns(row: Row, own: Columns, section: Columns): Row {
  const added: Record<string, unknown> = {};
  for (const [role, name] of Object.entries(own) as [ColumnRole, string | undefined][]) {
    if (name === undefined) continue;
    const found = findColumn(row, name);
    if (!found) {
      throw new DataError({ where: placeOf(row)!, what: `no column "${name}"`, got: listColumns(row), expected: `a column that holds the ${role}`, fix: `Set columns.${role} of this data set to its name` });
    }
    added[columnName(section, role)] = found.value;
  }
  return copyOf(row, added);
}

function copyOf(row: Row, added: Row): Row {
  const copy = { ...row, ...added };
  setPlace(copy, placeOf(row)!);
  return copy;
}
