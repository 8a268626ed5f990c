import { createReadStream } from "node:fs";
import type { DatasetReader, ReadListeners, Row } from "@verlet/core";
import { registerDataset } from "@verlet/core";
import { setPlace } from "@verlet/data";
import { parseRow, rowUnless } from "./parse-row.js";

/** JSON lines: one object a line, UTF-8; empty lines are skipped, and a row's place is its line. */
@registerDataset("jsonl", { doc: "JSON lines: one object a line (.jsonl, .ndjson)." })
export class JsonlReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.(jsonl|ndjson)$/i.test(path);
  }

  read(path: string, _split?: string, listeners?: ReadListeners): Promise<Row[]> {
    return readJsonLines(path, listeners);
  }
}

export async function readJsonLines(path: string, { broken }: ReadListeners = {}): Promise<Row[]> {
  const rows: Row[] = [];
  let number = 0;
  for await (const line of readLines(path)) {
    number++;
    if (line.trim() === "") continue;
    const place = `${path}:${number}`;
    const row = rowUnless(broken, () => parseRow(line, place));
    if (!row) continue;
    setPlace(row, place);
    rows.push(row);
  }
  return rows;
}

/** Lines end at "\n" alone: U+2028 and U+2029, which node:readline also takes for line ends, may stand inside JSON strings. */
async function* readLines(path: string): AsyncGenerator<string> {
  let rest = "";
  // The decoder of the stream keeps characters whole across chunks.
  for await (const chunk of createReadStream(path, { encoding: "utf8" }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines.map(withoutMark);
  }
  if (rest !== "") yield withoutMark(rest);
}

/** Some editors start a file with a byte order mark. */
function withoutMark(line: string): string {
  return line.startsWith("\uFEFF") ? line.slice(1) : line;
}
