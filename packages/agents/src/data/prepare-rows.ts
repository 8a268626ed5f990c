/** Rows of a data set as a run takes them: questions in their form, and files for what no file holds. */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, type Columns, type Row } from "@verlet/core";
import { formatMathRow, isMathRow, type FormatType } from "./math-format.js";
import type { OpenedDataset } from "./open-dataset.js";

export interface PreparedRows {
  readonly rows: readonly Row[];
  /** False where they are the file's own rows. */
  readonly changed: boolean;
  readonly columns: Columns;
}

/**
 * Questions with answers get the documents' columns; other rows stay as they are, under the columns that the user names.
 * @throws ConfigError for a template where there is nothing to put in it.
 */
export function prepareRows({ rows, source, label }: OpenedDataset, format: FormatType, columns: Columns = {}, template?: string): PreparedRows {
  const isMath = Object.keys(columns).length === 0 && isMathRow(rows[0]);
  if (template !== undefined && !isMath) {
    throw new ConfigError({ where: label, what: "promptTemplate", got: `it for columns ${Object.keys(rows[0] ?? {}).join(", ")}, whose prompts are made already`, expected: 'rows with "question" and "answer", and no columns named', fix: "Take it out" });
  }
  const prepared = isMath ? rows.map((row) => formatMathRow(row, format, template)) : rows;
  return { rows: prepared, changed: isMath || source === undefined, columns: { ...answerColumn(prepared[0]), ...columns } };
}

function answerColumn(row: Row | undefined): Columns {
  return row && Object.hasOwn(row, "ground_truth") ? { answer: "ground_truth" } : {};
}

/** A file of rows that is still to be written. */
export interface RowsFile {
  readonly path: string;
  write(): Promise<void>;
}

/** A file for rows in the run's folder; its name follows the content, so that a run never goes on with other rows unnoticed. */
export function rowsFile(outputDir: string, name: string, rows: readonly Row[]): RowsFile {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 12);
  const folder = join(outputDir, "data");
  const path = join(folder, `${name}-${hash}.jsonl`);
  return {
    path,
    write: async () => {
      await mkdir(folder, { recursive: true });
      await writeFile(path, text);
    },
  };
}
