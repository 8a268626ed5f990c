import type { TokenBatch } from "@verlet/core";
import { ShapeError } from "@verlet/core";

/** Pads the rows on the right to the longest: ids [B, T], lengths [B]. */
export function collate(rows: readonly (readonly number[])[], padId: number): TokenBatch {
  if (rows.length === 0) throw new ShapeError({ where: "collate", what: "nothing to batch", got: "0 rows", expected: "at least one" });
  const width = Math.max(...rows.map((row) => row.length));
  const ids = new Int32Array(rows.length * width).fill(padId); // [B, T]
  rows.forEach((row, i) => ids.set(row, i * width));
  return { ids, lengths: Int32Array.from(rows, (row) => row.length), rows: rows.length, width };
}
