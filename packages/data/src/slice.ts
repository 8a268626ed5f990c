/** `[:1000]`, `[-100:]`, `[10%:20%]`: a part of a data set's rows, in the notation of Hugging Face's `datasets`. */
import { DataError } from "@verlet/core";

interface Bound {
  value: number;
  percent: boolean;
}

export interface Slice {
  from?: Bound;
  to?: Bound;
  /** As written, without brackets. */
  text: string;
}

const bound = String.raw`(-?[\d_]+)(%?)`;
const pattern = new RegExp(`^(?:${bound})?:(?:${bound})?$`);

/**
 * @param text what stands between the brackets.
 * @throws DataError for anything else; one of two bounds in percent is refused, where `datasets` reads both as percent.
 */
export function parseSlice(text: string, where: string): Slice {
  const wrong = (what: string): DataError =>
    new DataError({ where, what, got: `[${text}]`, expected: "first and last row as in [:1000], [-100:] or [10%:20%]", fix: "Rows count from 0, and the last bound is not included" });
  const match = pattern.exec(text.replaceAll(" ", ""));
  if (!match) throw wrong("this is no part of a data set");
  const [, from, fromPercent, to, toPercent] = match;
  const read = (digits: string | undefined, percent: string | undefined): Bound | undefined =>
    digits === undefined ? undefined : { value: Number(digits.replaceAll("_", "")), percent: percent === "%" };
  const slice: Slice = { text };
  const [first, last] = [read(from, fromPercent), read(to, toPercent)];
  if (first && last && first.percent !== last.percent) throw wrong("one bound is in percent and the other is not");
  for (const one of [first, last]) {
    if (one?.percent && Math.abs(one.value) > 100) throw wrong("a bound is beyond 100 %");
  }
  if (first) slice.from = first;
  if (last) slice.to = last;
  return slice;
}

/**
 * First row and the one after the last, of `count` rows. Negative bounds count from the end, bounds outside are drawn in, and
 * a percentage falls on the nearest row, as `datasets` rounds: halves to the even one.
 */
export function sliceRange({ from, to }: Slice, count: number): [from: number, to: number] {
  const place = ({ value, percent }: Bound): number => {
    const row = percent ? roundHalfEven((value * count) / 100) : value;
    return Math.min(row < 0 ? Math.max(count + row, 0) : row, count);
  };
  return [from ? place(from) : 0, to ? place(to) : count];
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
