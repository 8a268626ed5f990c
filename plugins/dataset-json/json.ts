import { readFile } from "node:fs/promises";
import type { DatasetReader, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { requireObject } from "./parse-row.js";

/** One JSON list of objects. */
@registerDataset("json", { doc: "A JSON file that holds one list of objects (.json)." })
export class JsonReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.json$/i.test(path);
  }

  async read(path: string): Promise<Row[]> {
    const text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
    const value = parse(text, path);
    if (!Array.isArray(value)) {
      throw new DataError({ where: path, what: "the file holds no list of rows", got: value === null ? "null" : typeof value, expected: "a JSON list of objects" });
    }
    return value.map((row, i) => requireObject(row, `${path}:${i + 1}`));
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = /^\s*\{.*\}\s*\n\s*\{/.test(text);
    throw new DataError({
      where: path,
      what: `broken JSON (${(error as Error).message})`,
      expected: "a JSON list of objects",
      fix: lines ? "It looks like JSON lines: name the file .jsonl" : "Correct the file",
    });
  }
}
