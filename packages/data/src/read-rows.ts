/** Reads a data set through the registered dataset readers. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { DatasetReader, Row } from "@verlet/core";
import { DataError, createComponent, registry } from "@verlet/core";
import { placeOf, setPlace } from "./places.js";

export interface RowSet {
  rows: readonly Row[];
  /** `file:row` of the i-th row (0-based); rows count from 1, for JSON lines it is the line. */
  where(i: number): string;
}

export interface ReadRowsOptions {
  /** Only the first so many rows. */
  maxSamples?: number;
}

/**
 * @throws DataError when no reader takes the path, when the file is missing or broken, and when it holds no rows.
 */
export async function readRows(path: string, { maxSamples }: ReadRowsOptions = {}): Promise<RowSet> {
  const all = await readFrom(findReader(path), path);
  if (all.length === 0) {
    throw new DataError({ where: path, what: "the data set is empty", got: "0 rows", expected: "at least one" });
  }
  const rows = all.slice(0, maxSamples);
  rows.forEach((row, i) => {
    if (placeOf(row) === undefined) setPlace(row, `${path}:${i + 1}`);
  });
  return { rows, where: (i) => placeOf(rows[i]!) ?? `${path}:${i + 1}` };
}

function findReader(path: string): DatasetReader {
  const names = registry.names("dataset");
  for (const name of names) {
    const reader = createComponent("dataset", name);
    if (reader.accepts(path)) return reader;
  }
  if (!existsSync(path)) throw missingFile(path);
  throw new DataError({
    where: path,
    what: "no dataset reader takes this file",
    expected: names.length > 0 ? `a file for one of the readers ${names.join(", ")}` : "a registered reader (there is none)",
    fix: "Convert it to JSON lines (.jsonl), or list a plugin with a reader for it under `plugins:`",
  });
}

async function readFrom(reader: DatasetReader, path: string): Promise<readonly Row[]> {
  try {
    return await reader.read(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw missingFile(path);
    if (code === "EISDIR") throw new DataError({ where: path, what: "this is a folder", expected: "a file" });
    throw error;
  }
}

function missingFile(path: string): DataError {
  return new DataError({
    where: path,
    what: "no such file",
    got: resolve(path),
    fix: "Check data.train or data.eval; relative paths start where the command was run",
  });
}
