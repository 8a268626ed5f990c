/** The documents' functions for data sets. */
import type { Row } from "@verlet/core";
import { z } from "@verlet/core";
import { readOptions } from "../options/read-options.js";
import { formatMathRow, formatTypes, isMathRow, type FormatType } from "./math-format.js";
import { hasSplits, openDataset, type DatasetInput, type RowsSource } from "./open-dataset.js";

const shape = {
  dataset: z.unknown().optional(),
  split: z.string().min(1).default("train"),
  maxSamples: z.int().min(1).nullable().optional(),
  promptTemplate: z.string().min(1).optional(),
  /** Rows are the same for every model: the template of the one that is trained is put on when it is trained. */
  modelName: z.string().min(1).optional(),
} as const;

const datasetSchema = z.strictObject({ ...shape, formatType: z.enum(formatTypes).default("sft") });
const createSchema = z.strictObject(shape);

/** `dataset`: "gsm8k" (the default), a path, hf://owner/name, rows, or { train, test }. */
export interface DatasetOptions {
  dataset?: DatasetInput;
  /** `train` (the default), `test`, `train[:1000]`; refused for a file, which has no splits, but for `[:1000]`. */
  split?: string;
  /** null = all. */
  maxSamples?: number | null;
  /** With a place for {question}. */
  promptTemplate?: string;
  modelName?: string;
}

/** GSM8K in one of the documents' formats; `load` reads it, as reading takes a moment. */
export class GSM8KDataset implements RowsSource {
  readonly #options: z.output<typeof datasetSchema> & DatasetOptions;
  #rows: Promise<readonly Row[]> | undefined;

  /** @throws ConfigError for wrong options. */
  constructor(options: DatasetOptions & { formatType?: FormatType } = {}) {
    this.#options = readOptions("GSM8KDataset", datasetSchema, options) as DatasetOptions & z.output<typeof datasetSchema>;
  }

  /** The rows, read once. @throws DataError */
  load(): Promise<readonly Row[]> {
    const { dataset, split, maxSamples, formatType, promptTemplate } = this.#options;
    return (this.#rows ??= loadRows("GSM8KDataset", { dataset, split, maxSamples, promptTemplate }, formatType, null));
  }
}

async function loadRows(where: string, options: DatasetOptions, format: FormatType, most: number | null): Promise<readonly Row[]> {
  const { dataset = "gsm8k", split = "train", maxSamples = most, promptTemplate } = options;
  const named = split === "train" && !hasSplits(dataset) ? undefined : split; // the default names no split where there are none
  const { rows } = await openDataset(dataset, { split: named, defaultSplit: "train", maxSamples, name: where });
  return rows.map((row) => (isMathRow(row) ? formatMathRow(row, format, promptTemplate) : row));
}

/** Rows to learn from, `{ prompt, completion, text }`; the first 1000 unless told otherwise. */
export async function createSftDataset(options: DatasetOptions = {}): Promise<readonly Row[]> {
  const read = readOptions("createSftDataset", createSchema, options) as DatasetOptions;
  return loadRows("createSftDataset", read, "sft", 1000);
}

/** Rows to answer, `{ prompt, ground_truth, question, full_answer }`; the first 500 unless told otherwise. */
export async function createRlDataset(options: DatasetOptions = {}): Promise<readonly Row[]> {
  const read = readOptions("createRlDataset", createSchema, options) as DatasetOptions;
  return loadRows("createRlDataset", read, "rl", 500);
}

/** Either, of any data set of questions and answers; all rows unless told otherwise. */
export async function createMathDataset(options: DatasetOptions & { formatType?: FormatType } = {}): Promise<readonly Row[]> {
  const { formatType, ...rest } = readOptions("createMathDataset", datasetSchema, options, { datasetName: "dataset" }) as z.output<typeof datasetSchema> & DatasetOptions;
  return loadRows("createMathDataset", rest, formatType, null);
}

/** Rows of questions and answers in one of the formats. @throws DataError for a row that is none. */
export function formatMathDataset(rows: readonly Row[], options: { formatType?: FormatType; promptTemplate?: string; modelName?: string } = {}): Row[] {
  const { formatType, promptTemplate } = readOptions("formatMathDataset", datasetSchema.pick({ formatType: true, promptTemplate: true, modelName: true }), options);
  return rows.map((row) => formatMathRow(row, formatType, promptTemplate));
}

/** The first rows as text, a line a column; printed, unless `write` takes it. */
export function previewDataset(rows: readonly Row[], count = 3, write: (text: string) => void = (text) => void process.stdout.write(text)): void {
  const lines = rows.slice(0, count).flatMap((row, i) => [`row ${i + 1} of ${rows.length}`, ...Object.entries(row).map(([name, value]) => `  ${name}: ${shown(value)}`)]);
  write(`${lines.join("\n")}\n`);
}

const MOST = 200;

function shown(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
