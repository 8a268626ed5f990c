/** Rows that ask the same. */
import type { Columns, Row } from "@verlet/core";
import { DataError } from "@verlet/core";
import { columnOf } from "../columns.js";

/** What a row asks, or else all it says, with runs of white space as one: rows with the same key are duplicates. */
export function rowKey(row: Row, columns: Columns): string {
  for (const role of ["prompt", "messages", "text"] as const) {
    try {
      return plain(columnOf(row, columns, role, ""));
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
    }
  }
  return plain(row);
}

function plain(value: unknown): string {
  return (typeof value === "string" ? value : JSON.stringify(value)).replaceAll(/(\\n|\\t|\s)+/g, " ").trim();
}

/** A later row and the first one with the same key, by index. */
export interface SameRows {
  row: number;
  as: number;
}

export function findDuplicates(keys: readonly string[]): SameRows[] {
  const first = new Map<string, number>();
  return keys.flatMap((key, row) => {
    const as = first.get(key);
    if (as !== undefined) return [{ row, as }];
    first.set(key, row);
    return [];
  });
}

/** Rows of `keys` that are in `others` too; `as` counts the others' rows. */
export function findOverlap(keys: readonly string[], others: readonly string[]): SameRows[] {
  const known = new Map(others.map((key, i) => [key, i] as const).reverse());
  return keys.flatMap((key, row) => (known.has(key) ? [{ row, as: known.get(key)! }] : []));
}
