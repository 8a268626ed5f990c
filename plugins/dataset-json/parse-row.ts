import type { ReadListeners, Row } from "@verlet/core";
import { DataError } from "@verlet/core";

/** @throws DataError when the text is no JSON or not an object. */
export function parseRow(text: string, place: string): Row {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError({
      where: place,
      what: `broken JSON (${(error as Error).message})`,
      got: text.length > 80 ? `${text.slice(0, 80)}…` : text.trim(),
      expected: "one JSON object",
    });
  }
  return requireObject(value, place);
}

export function requireObject(value: unknown, place: string): Row {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  throw new DataError({ where: place, what: "the row is not an object", got, expected: 'an object such as {"question": "…", "answer": "…"}' });
}

/** The row, or undefined where it is broken and `broken` was told so. */
export function rowUnless(broken: ReadListeners["broken"], read: () => Row): Row | undefined {
  try {
    return read();
  } catch (error) {
    if (!broken || !(error instanceof DataError)) throw error;
    broken(error);
    return undefined;
  }
}
