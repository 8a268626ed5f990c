/** Inequalities as intervals where they are about one variable, and the real line. */
import type { Answer, Comparison, Read, TupleAnswer, UnionAnswer } from "./answer.js";
import { enclosed, splitTop } from "./brackets.js";
import { isBareName, variables } from "./names.js";
import { compare } from "./rational.js";
import { readNumber } from "./read-number.js";

const MAX_POINTS = 16;

const SIGN = /<|>|\\le(?![A-Za-z])|\\ge(?![A-Za-z])/;
const FLIPPED: Readonly<Record<Comparison, Comparison>> = { "<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le" };

/** `x > 2` is (2, ∞), `0 \le x < 1` is [0, 1), `x \ne 3` two intervals; anything else is kept as an inequality. */
export function readInequality(text: string, read: Read): Answer | undefined {
  const unequal = splitTop(text, /\\ne(?![A-Za-z])/).map((side) => side.trim());
  if (unequal.length === 2 && isBareName(unequal[0]!)) return around(text, [unequal[1]!], read);
  const sides = splitTop(text, SIGN).map((side) => side.trim());
  const signs = [...text.matchAll(new RegExp(SIGN, "g"))].map(([sign]) => sign as Comparison);
  if (sides.length < 2 || signs.length !== sides.length - 1 || sides.includes("")) return undefined;
  return toInterval(text, sides, signs, read) ?? { kind: "inequality", text, sides, signs };
}

function toInterval(text: string, sides: string[], signs: Comparison[], read: Read): Answer | undefined {
  const at = sides.findIndex(isBareName);
  if (at < 0 || sides.length > 3 || (sides.length === 3 && at !== 1)) return undefined;
  const others = sides.filter((_, i) => i !== at);
  if (others.some((side) => variables(side).size > 0)) return undefined;
  // The bounds as seen from the variable: 2 < x bounds it below, as x > 2 does.
  const bounds = [
    { value: sides[at - 1], sign: at > 0 ? FLIPPED[signs[at - 1]!] : undefined },
    { value: sides[at + 1], sign: signs[at] },
  ];
  const high = bounds.find(({ sign }) => sign === "<" || sign === "\\le");
  const low = bounds.find(({ sign }) => sign === ">" || sign === "\\ge");
  if (sides.length === 3 && !(low && high)) return undefined;
  return interval(text, read, low?.value ?? "-\\infty", high?.value ?? "\\infty", low?.sign === "\\ge", high?.sign === "\\le");
}

/** True for the intervals of an inequality. */
export function isFromInequality(answer: Answer): answer is TupleAnswer | UnionAnswer {
  return (answer.kind === "tuple" || answer.kind === "union") && /[<>]|\\(?:le|ge|ne)(?![A-Za-z])/.test(answer.text);
}

/** What a bound below and a bound above leave between them; undefined for other intervals. */
export function intersect(text: string, intervals: readonly (TupleAnswer | UnionAnswer)[]): TupleAnswer | undefined {
  const lower = intervals.find(({ kind, items }) => kind === "tuple" && items[1]!.text === "\\infty");
  const upper = intervals.find(({ kind, items }) => kind === "tuple" && items[0]!.text === "-\\infty");
  if (intervals.length !== 2 || lower?.kind !== "tuple" || upper?.kind !== "tuple") return undefined;
  return { kind: "tuple", text, open: lower.open, close: upper.close, items: [lower.items[0]!, upper.items[1]!] };
}

/** `\mathbb{R}`, and `\mathbb{R} \setminus \{1, 2\}`. */
export function readRealNumbers(text: string, read: Read): Answer | undefined {
  const [, without] = /^\\mathbb\{R\}(?:\s*(?:\\setminus|-)\s*(.+))?$/s.exec(text) ?? [undefined, null];
  if (without === null) return undefined;
  if (without === undefined) return interval(text, read, "-\\infty", "\\infty");
  const set = enclosed(without);
  return set?.open.endsWith("{") ? around(text, splitTop(set.inner, /,/), read) : undefined;
}

/** The real line without some points: numbers in any order, or one expression. */
function around(text: string, points: string[], read: Read): Answer | undefined {
  if (points.length > MAX_POINTS) return undefined;
  const numbers = points.map((point) => ({ point: point.trim(), value: readNumber(point.trim())?.value }));
  if (points.length > 1 && numbers.some(({ value }) => value === undefined)) return undefined;
  const sorted = points.length > 1 ? numbers.sort((a, b) => compare(a.value!, b.value!)) : numbers;
  const ends = ["-\\infty", ...sorted.map(({ point }) => point), "\\infty"];
  return { kind: "union", text, items: ends.slice(1).map((end, i) => interval(text, read, ends[i]!, end)) };
}

function interval(text: string, read: Read, low: string, high: string, closedLow = false, closedHigh = false): TupleAnswer {
  return { kind: "tuple", text, open: closedLow ? "[" : "(", close: closedHigh ? "]" : ")", items: [low, high].map(read) };
}
