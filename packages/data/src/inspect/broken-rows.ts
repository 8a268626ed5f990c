import type { DataError } from "@verlet/core";
import type { RowProblem } from "./inspect-rows.js";

/** So many are kept: a file of another kind may be broken in every line. */
const KEPT = 100;

/** Counts the rows that cannot be read: `readRows(path, { broken: (error) => rows.add(error) })`. */
export class BrokenRows {
  rows = 0;
  readonly first: RowProblem[] = [];

  add(error: DataError): void {
    this.rows++;
    if (this.first.length < KEPT) this.first.push({ where: error.parts.where, what: causeOf(error) });
  }
}

/** What is wrong and what was found there, in one line. */
export function causeOf({ parts: { what, got } }: DataError): string {
  return got ? `${what}: ${got}` : what;
}
