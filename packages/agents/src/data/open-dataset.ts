/** Data sets by name, as paths or as rows in memory, all read through verlet's own readers. */
import { DataError, registerDataset, registry, showValue, type Columns, type DatasetReader, type DataSource, type Row } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { describeSource, HUB_SCHEME, isHub, readRows } from "@verlet/data";

/** GSM8K by its name in the documents: 7473 questions to train on, 1319 to test with. */
export const GSM8K = `${HUB_SCHEME}openai/gsm8k/main`;

/** Something that brings its rows, such as GSM8KDataset. */
export interface RowsSource {
  load(): Promise<readonly Row[]>;
}

/** The rows of one split: a path, or the rows themselves. */
export type RowsInput = string | readonly Row[];

/** "gsm8k", a path, hf://owner/name, rows, or train and test apart. */
export type DatasetInput = RowsInput | RowsSource | { readonly train?: RowsInput; readonly test?: RowsInput };

export interface OpenDatasetOptions {
  /** `train`, `test[:100]`; for a list of rows or a file only `[:100]`. */
  split?: string | undefined;
  /** Where the data set has splits and none is named. */
  defaultSplit?: string | undefined;
  maxSamples?: number | null | undefined;
  columns?: Columns | undefined;
  /** What messages call rows that have no path. */
  name?: string | undefined;
  /** Takes lines about a download; on standard error without it. */
  log?: ((line: string) => void) | undefined;
}

export interface OpenedDataset {
  readonly rows: readonly Row[];
  /** Where they are from, for verlet's configuration; undefined for rows in memory. */
  readonly source?: DataSource;
  /** In a few words. */
  readonly label: string;
}

/** @throws DataError for what is missing, broken or empty, and for something that is no data set. */
export async function openDataset(input: DatasetInput, options: OpenDatasetOptions = {}): Promise<OpenedDataset> {
  await loadBuiltins();
  const { split, defaultSplit, maxSamples, columns, name = "dataset", log = (line) => void process.stderr.write(`${line}\n`) } = options;
  const { path, inMemory, part } = await locate(input, name, split, defaultSplit);
  const source = { path, ...(part !== undefined && { split: part }) };
  try {
    const { rows } = await readRows(source, { log, ...(maxSamples != null && { maxSamples }), ...(defaultSplit !== undefined && { defaultSplit }), ...(columns && { columns }) });
    return { rows, ...(!inMemory && { source }), label: inMemory ? name : describeSource(source) };
  } finally {
    held.delete(path);
  }
}

interface Located {
  path: string;
  inMemory: boolean;
  /** What of it, as the reader of that path understands it. */
  part: string | undefined;
}

async function locate(input: DatasetInput, name: string, split: string | undefined, defaultSplit = "train"): Promise<Located> {
  if (typeof input === "string") return { path: input === "gsm8k" ? GSM8K : input, inMemory: false, part: split ?? (hasSplits(input) ? defaultSplit : undefined) };
  if (isRows(input)) return { path: inMemory(name, input), inMemory: true, part: split };
  if (isSource(input)) return { path: inMemory(name, await input.load()), inMemory: true, part: split };
  if (typeof input !== "object" || input === null) throw noDataset(name, input);
  const [, wanted = "", slice = ""] = /^([^[]*)(\[.*)?$/.exec(split ?? "")!;
  const which = wanted === "" ? defaultSplit : wanted;
  const rows = which === "train" || which === "test" ? input[which] : undefined;
  if (rows === undefined) throw new DataError({ where: name, what: "there is no such split", got: which, expected: Object.keys(input).join(" or ") || "train or test" });
  return locate(rows, `${name}/${which}`, slice === "" ? undefined : slice);
}

/** Whether a data set has rows of that split beside those it is trained on. */
export function hasTestSplit(input: DatasetInput): boolean {
  if (typeof input === "string") return input === "gsm8k";
  return !isRows(input) && !isSource(input) && input.test !== undefined;
}

/** Whether a split may be named: of a list of rows or a file only a part may. */
export function hasSplits(input: DatasetInput): boolean {
  if (typeof input === "string") return input === "gsm8k" || isHub(input);
  return !isRows(input) && !isSource(input);
}

const isRows = (input: DatasetInput): input is readonly Row[] => Array.isArray(input);
const isSource = (input: unknown): input is RowsSource => typeof (input as RowsSource | null)?.load === "function";

function noDataset(name: string, input: unknown): DataError {
  return new DataError({ where: name, what: "this is no data set", got: showValue(input), expected: "a path, a list of rows, or { train, test } with either" });
}

const SCHEME = "rows:";
/** While they are read. */
const held = new Map<string, readonly Row[]>();

/** A path under which verlet's readers find the rows. */
function inMemory(name: string, rows: readonly Row[]): string {
  const wrong = rows.findIndex((row) => typeof row !== "object" || row === null || Array.isArray(row));
  if (wrong >= 0) throw new DataError({ where: `${name}:${wrong + 1}`, what: "the row is not an object", got: showValue(rows[wrong]), expected: 'an object such as {"question": "…", "answer": "…"}' });
  let path = `${SCHEME}${name}`;
  for (let count = 2; held.has(path); count++) path = `${SCHEME}${name}#${count}`; // another reading is under way
  held.set(path, rows);
  return path;
}

const rowsReader = (): DatasetReader => ({
  accepts: (path) => path.startsWith(SCHEME),
  read: async (path) => held.get(path)!,
});

// At once, as nothing can be registered while a run trains.
if (!registry.find("dataset", "agents/rows")) registerDataset("agents/rows", { doc: "Rows that a script holds in memory." })(rowsReader);
