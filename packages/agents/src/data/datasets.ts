/** The documents' functions for data sets. */
import { ConfigError, z, type Row } from "@verlet/core";
import { readOptions } from "../options/read-options.js";
import { formatMathRow, formatTypes, type FormatType } from "./math-format.js";
import { tokenizerOf, withSeenPrompts } from "./model-prompts.js";
import { hasSplits, openDataset, type DatasetInput, type RowsSource } from "./open-dataset.js";
import { prepareRows } from "./prepare-rows.js";

const shape = {
  dataset: z.unknown().optional(),
  split: z.string().min(1).default("train"),
  maxSamples: z.int().min(1).nullable().optional(),
  promptTemplate: z.string().min(1).optional(),
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
  /** With a place for {question}; refused for rows that have their prompts already. */
  promptTemplate?: string;
  /**
   * Rows to answer: the prompts are then as this model sees them, in its chat template. Without it they are the same for
   * every model, and the template is put on when one is trained. Refused for rows to learn from, which are always so.
   */
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
    const { formatType, ...options } = this.#options;
    return (this.#rows ??= loadRows("GSM8KDataset", options, formatType, null));
  }
}

async function loadRows(where: string, options: DatasetOptions, format: FormatType, most: number | null): Promise<readonly Row[]> {
  const { dataset = "gsm8k", split = "train", maxSamples = most, promptTemplate, modelName } = options;
  if (modelName !== undefined && format === "sft") throw modelOfSft(where, modelName);
  const tokenizer = modelName === undefined ? undefined : await tokenizerOf(modelName);
  const named = split === "train" && !hasSplits(dataset) ? undefined : split; // the default names no split where there are none
  const opened = await openDataset(dataset, { split: named, defaultSplit: "train", maxSamples, name: where });
  const { rows, columns } = prepareRows(opened, format, {}, promptTemplate);
  return tokenizer ? withSeenPrompts(rows, tokenizer, columns) : rows;
}

function modelOfSft(where: string, modelName: string): ConfigError {
  return new ConfigError({ where, what: "modelName", got: `${modelName} for rows to learn from`, expected: "it for rows to answer alone", fix: "Take it out: they go through the chat template of the model that is trained" });
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

/** Rows of questions and answers in one of the formats. @throws DataError for a row that is none, ConfigError for wrong options. */
export function formatMathDataset(rows: readonly Row[], options: { formatType?: FormatType; promptTemplate?: string } = {}): Row[] {
  const { formatType, promptTemplate, modelName } = readOptions("formatMathDataset", datasetSchema.pick({ formatType: true, promptTemplate: true, modelName: true }), options);
  if (modelName !== undefined) throw modelOfFormat(modelName);
  return rows.map((row) => formatMathRow(row, formatType, promptTemplate));
}

/** Reading a model's chat template takes a moment, and this function does not wait. */
function modelOfFormat(modelName: string): ConfigError {
  return new ConfigError({ where: "formatMathDataset", what: "modelName", got: modelName, expected: "it in createRlDataset({ dataset: rows, modelName })", fix: "Take it out: the template of the model is put on when it is trained" });
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
