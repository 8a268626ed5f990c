import { readFile } from "node:fs/promises";
import type { DatasetReader, ReadListeners, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { setPlace } from "@verlet/data";
import { readJsonLines } from "./jsonl.js";
import { requireObject, rowUnless } from "./parse-row.js";

/** One JSON list of objects; a file of JSON lines under this name, as many data sets have it, is read as such. */
@registerDataset("json", { doc: "A JSON file that holds one list of objects, or one object a line (.json)." })
export class JsonReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.json$/i.test(path);
  }

  async read(path: string, _split?: string, listeners: ReadListeners = {}): Promise<Row[]> {
    const text = (await readFile(path, "utf8")).replace(/^\uFEFF/, "");
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (/^\s*\{.*\}[ \t\r]*\n\s*\{/.test(text)) return readJsonLines(path, listeners);
      throw new DataError({ where: path, what: `broken JSON (${(error as Error).message})`, expected: "a JSON list of objects", fix: "Correct the file" });
    }
    if (!Array.isArray(value)) {
      throw new DataError({ where: path, what: "the file holds no list of rows", got: value === null ? "null" : typeof value, expected: "a JSON list of objects" });
    }
    const rows: Row[] = [];
    for (const [i, one] of value.entries()) {
      const place = `${path}:${i + 1}`;
      const row = rowUnless(listeners.broken, () => requireObject(one, place));
      if (!row) continue;
      setPlace(row, place);
      rows.push(row);
    }
    return rows;
  }
}
