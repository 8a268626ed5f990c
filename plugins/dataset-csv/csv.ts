import { createReadStream } from "node:fs";
import type { DatasetReader, ReadListeners, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { setPlace } from "@verlet/data";

/** What csv-parse gives for each row: its cells by column, and the text it was read from. */
interface Parsed {
  record: Row;
  raw: string;
  info: { lines: number };
}

/**
 * Comma- or tab-separated values, UTF-8, the first line the columns' names. Every cell stays text, as it is written: an answer
 * of `007` keeps its zeros. A row's place is the line it starts in.
 */
@registerDataset("csv", { doc: "Comma- or tab-separated values with a first line of names (.csv, .tsv); cells are text." })
export class CsvReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.(csv|tsv)$/i.test(path);
  }

  async read(path: string, _split?: string, { broken }: ReadListeners = {}): Promise<Row[]> {
    const { parse, CsvError } = await import("csv-parse");
    const columns = (header: string[]): string[] => requireNames(header, path);
    const skipping = broken && { skipRecordsWithError: true, onSkip: (cause?: Error): undefined => void broken(brokenCsv(path, cause!)) };
    const parser = parse({ bom: true, columns, delimiter: /\.tsv$/i.test(path) ? "\t" : ",", info: true, raw: true, recordDelimiter: ["\r\n", "\n"], skipEmptyLines: true, ...skipping });
    const stream = createReadStream(path);
    stream.on("error", (error) => parser.destroy(error));
    const rows: Row[] = [];
    try {
      for await (const { record, raw, info } of stream.pipe(parser) as AsyncIterable<Parsed>) {
        setPlace(record, `${path}:${info.lines - inside(raw)}`);
        rows.push(record);
      }
    } catch (cause) {
      throw cause instanceof CsvError ? brokenCsv(path, cause) : cause;
    }
    return rows;
  }
}

function brokenCsv(path: string, { message, lines }: { message: string; lines?: unknown }): DataError {
  const where = typeof lines === "number" ? `${path}:${lines}` : path;
  return new DataError({ where, what: `broken CSV (${message})`, expected: "as many cells in each row as the first line has names", fix: 'Put cells with commas, quotes or line ends in "quotes", and double the quotes inside' });
}

/** Line ends between a row's first and last line. */
function inside(raw: string): number {
  return raw.trim().split("\n").length - 1;
}

function requireNames(header: string[], path: string): string[] {
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice === undefined) return header;
  throw new DataError({ where: `${path}:1`, what: "two columns have the same name", got: JSON.stringify(twice), expected: "a name for each", fix: "The first line must hold the names" });
}
