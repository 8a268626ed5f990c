/** Where rows were read from, for messages. Rows are passed on by reference, so their place stays known until the reward. */
import type { Row } from "@verlet/core";

const places = new WeakMap<Row, string>();

/** For dataset readers that know better than "the n-th row of the file": `train.jsonl:17`. */
export function setPlace(row: Row, place: string): void {
  places.set(row, place);
}

/** `file:row` of a row that `readRows` gave, undefined for a row made by hand. */
export function placeOf(row: Row): string | undefined {
  return places.get(row);
}
