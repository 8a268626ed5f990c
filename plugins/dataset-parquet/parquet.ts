import { stat } from "node:fs/promises";
import type { DatasetReader, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { plainValue } from "./plain-value.js";

/** Apache Parquet, plain or compressed with snappy, gzip, zstd or brotli; a row's place is its number in the file. */
@registerDataset("parquet", { doc: "Apache Parquet, plain or compressed with snappy, gzip, zstd or brotli (.parquet)." })
export class ParquetReader implements DatasetReader {
  accepts(path: string): boolean {
    return /\.parquet$/i.test(path);
  }

  async read(path: string): Promise<Row[]> {
    if ((await stat(path)).isDirectory()) throw new DataError({ where: path, what: "this is a folder", expected: "a file" });
    const [{ asyncBufferFromFile, parquetReadObjects }, { compressors }] = await Promise.all([import("hyparquet"), import("hyparquet-compressors")]);
    try {
      const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors });
      return rows.map((row) => plainValue(row) as Row);
    } catch (error) {
      throw new DataError({ where: path, what: `broken Parquet (${(error as Error).message})`, expected: "a whole Parquet file", fix: "Write or download it again" }, { cause: error });
    }
  }
}
