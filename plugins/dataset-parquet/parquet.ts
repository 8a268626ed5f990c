import { stat } from "node:fs/promises";
import type { DatasetReader, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { plainValue } from "./plain-value.js";

/** Apache Parquet, plain or compressed with snappy, gzip, zstd, brotli or LZ4; a row's place is its number in the file. */
@registerDataset("parquet", { doc: "Apache Parquet, plain or compressed with snappy, gzip, zstd, brotli or LZ4 (.parquet)." })
export class ParquetReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.parquet$/i.test(path);
  }

  async read(path: string): Promise<Row[]> {
    if ((await stat(path)).isDirectory()) throw new DataError({ where: path, what: "this is a folder", expected: "a file" });
    const [{ asyncBufferFromFile, parquetReadObjects }, { compressors }] = await Promise.all([import("hyparquet"), import("hyparquet-compressors")]);
    try {
      const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors: { ...compressors, LZ4: unlessEmpty(compressors.LZ4!), LZ4_RAW: unlessEmpty(compressors.LZ4_RAW!) } });
      return rows.map((row) => plainValue(row) as Row);
    } catch (error) {
      throw new DataError({ where: path, what: `broken Parquet (${(error as Error).message})`, expected: "a whole Parquet file", fix: "Write or download it again" }, { cause: error });
    }
  }
}

type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** A page without values, as a column of nulls has it, is one byte of LZ4, at which hyparquet-compressors 1.1.2 throws. */
function unlessEmpty(decompress: Decompress): Decompress {
  return (input, length) => (length === 0 ? new Uint8Array() : decompress(input, length));
}
