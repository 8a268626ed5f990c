/** Rows from a file or from standard input. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { DataError, type Row } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { isHub, parseSource, readRows, setPlace, type ReadRowsOptions, type RowSet } from "@verlet/data";
import { note } from "./output.js";
import { UsageError } from "./report-error.js";

/** Reads a file with the registered dataset readers. @param flag the option that named it, for messages. */
export async function readFileRows(path: string, flag: string, options: ReadRowsOptions = {}): Promise<RowSet> {
  const file = parseSource(path).path;
  if (!isHub(file) && !existsSync(file)) {
    throw new DataError({ where: `${flag} ${path}`, what: "no such file", got: resolve(file), fix: "Check the path; it starts where the command is run" });
  }
  await loadBuiltins();
  return readRows(path, { log: note, ...options });
}

/** The rows of `--input`, or JSON lines from standard input for "-" and for nothing. */
export async function readInputRows(path: string | undefined): Promise<RowSet> {
  if (path !== undefined && path !== "-") return readFileRows(path, "--input");
  if (process.stdin.isTTY) throw new UsageError("nothing to read; give --input <file>, or send JSON lines to standard input");
  const rows = (await text(process.stdin)).split("\n").flatMap((line, i) => (line.trim() === "" ? [] : [parseLine(line, `stdin:${i + 1}`)]));
  if (rows.length === 0) throw new DataError({ where: "stdin", what: "standard input is empty", expected: "JSON lines" });
  return { rows: rows.map(({ row }) => row), where: (i) => rows[i]!.place };
}

function parseLine(line: string, place: string): { row: Row; place: string } {
  const wrong = (what: string): DataError => new DataError({ where: place, what, got: line.slice(0, 80), expected: 'one JSON object a line, such as {"prompt": "Hi"}' });
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    throw wrong(`broken JSON (${(error as Error).message})`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) throw wrong("the line is no object");
  setPlace(row as Row, place);
  return { row: row as Row, place };
}
