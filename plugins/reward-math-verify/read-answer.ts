/** Says what a normalised answer is. */
import type { Answer, Read, TupleAnswer, ValueAnswer } from "./answer.js";
import { enclosed, isBalanced, splitTop } from "./brackets.js";
import { isName, isWords } from "./names.js";
import { readNumber } from "./read-number.js";
import { intersect, isFromInequality, readInequality, readRealNumbers } from "./read-inequality.js";
import { multiply } from "./rational.js";
import { trim } from "./spelling.js";
import { splitUnit } from "./units.js";

/** Longer lists are compared as text. */
const MAX_ITEMS = 32;
const MAX_DEPTH = 4;

/** Reads a normalised answer; what is nothing else is a value or, with words in it, a text. */
export function readAnswer(text: string, depth = 0): Answer {
  const simple = readValue(text);
  if (simple.number) return simple;
  const outward = /^\]([^[\]]*)\[$/.exec(text);
  if (outward) return readAnswer(`(${outward[1]})`, depth);
  if (depth > MAX_DEPTH || !isBalanced(text)) return { kind: "text", text };
  const read: Read = (part) => readAnswer(trim(part), depth + 1);
  return (
    readMatrix(text, read) ??
    readPlusMinus(text, read) ??
    readSets(text, read) ??
    readMany(text, read) ??
    readRounded(text, read) ??
    readEquation(text) ??
    readInequality(text, read) ??
    readBracketed(text, read) ??
    (isWords(simple.latex) ? { kind: "text", text } : simple)
  );
}

/** A value, whatever it holds. */
function readValue(text: string): ValueAnswer {
  const { text: latex, unit, multiple } = splitUnit(text);
  const number = readNumber(latex);
  if (!multiple) return { kind: "value", text, latex, ...(number && { number }), ...(unit && { unit }) };
  const value = number && multiply(number.value, multiple);
  return { kind: "value", text, latex: `(${latex})\\cdot ${multiple.n}`, ...(value && { number: { ...number, value } }), ...(unit && { unit }) };
}

/** `2 \pm \sqrt{3}` is two answers. */
function readPlusMinus(text: string, read: Read): Answer | undefined {
  if (!/\\(?:pm|mp)(?![A-Za-z])|\+\/-/.test(text) || splitTop(text, /,/).length > 1) return undefined;
  const [, name = "", value = text] = /^([^=]*=)([^=]*)$/.exec(text) ?? [];
  const signed = (plus: string, minus: string): Answer =>
    read(`${name}${value.replace(/\\pm(?![A-Za-z])|\+\/-/g, plus).replace(/\\mp(?![A-Za-z])/g, minus)}`.replace(/([=(,]|^)\s*\+/g, "$1"));
  return { kind: "list", text, items: [signed("+", "-"), signed("-", "+")] };
}

/** `x \in S`, `\{x | …\}`, unions, the real numbers, the empty set. */
function readSets(text: string, read: Read): Answer | undefined {
  const member = /^[A-Za-z]\s*\\in(?![A-Za-z])\s*(.+)$/s.exec(text) ?? /^\\\{\s*[A-Za-z]\s*(?:\\in\s*\\mathbb\{R\}\s*)?(?:\||:|\\mid(?![A-Za-z]))\s*(.+)\\\}$/s.exec(text);
  if (member) return read(member[1]!);
  if (/^(?:\\emptyset|\\\{\s*\\\}|\{\s*\}|no (?:real )?solutions?)$/i.test(text)) return { kind: "set", text, items: [] };
  const parts = splitTop(text, /\\cup(?![A-Za-z])|(?<=[)\]}])\s*U\s*(?=[([\\])/);
  if (parts.length > 1 && parts.length <= MAX_ITEMS) return { kind: "union", text, items: flattened(parts.map(read), "union") };
  return readRealNumbers(text, read);
}

/** `1, 2 and 3`. Of inequalities, `x < 1 or x > 2` is a union and `x > 1 and x < 2` an interval. */
function readMany(text: string, read: Read): Answer | undefined {
  const parts = splitItems(text, /(?<![A-Za-z\\])(?:and|or)(?![A-Za-z])|\\(?:lor|vee|land|wedge)(?![A-Za-z])|&(?!=)|;/);
  if (parts.length < 2 || parts.length > MAX_ITEMS) return undefined;
  const items = parts.map(read);
  const hasOr = /(?<![A-Za-z\\])or(?![A-Za-z])|\\(?:lor|vee)(?![A-Za-z])/.test(text);
  if (items.every(isFromInequality)) return hasOr ? { kind: "union", text, items: flattened(items, "union") } : (intersect(text, items) ?? { kind: "list", text, items });
  return { kind: "list", text, items: flattened(items, "list") };
}

function flattened(items: Answer[], kind: "list" | "union"): Answer[] {
  return items.flatMap((item) => (item.kind === kind ? item.items : [item]));
}

/** `x ≈ 3.14` is an equation; of `1/3 ≈ 0.33` the answer is 1/3. */
function readRounded(text: string, read: Read): Answer | undefined {
  const [exact, rounded] = splitTop(text, /≈/).map((side) => side.trim());
  if (rounded === undefined) return undefined;
  return isName(exact!) ? readEquation(`${exact}=${rounded}`) : read(exact!);
}

function readEquation(text: string): Answer | undefined {
  const sides = splitTop(text, /=/).map((side) => side.trim());
  if (sides.length < 2 || sides.includes("") || /[<>]|\\(?:le|ge|ne)(?![A-Za-z])/.test(text)) return undefined;
  return { kind: "equation", text, sides };
}

/** `(1, 2)`, `[0, 1)`, `]0, 1[`, `\{1, 2\}`, `{1, 2}`, `A(1, 2)`, and what only has brackets around it. */
function readBracketed(text: string, read: Read): Answer | undefined {
  const named = /^[A-Z]'?\s*(?=\(.*,.*\)$)/s.exec(text);
  const bracketed = enclosed(named ? text.slice(named[0].length) : text);
  if (!bracketed) return undefined;
  const { open, close, inner } = bracketed;
  const parts = splitItems(inner);
  if (parts.length > MAX_ITEMS) return { kind: "text", text };
  if (open.endsWith("{")) return parts.length > 1 || open === "\\{" ? { kind: "set", text, items: parts.map(read) } : read(inner);
  if (parts.length === 1) return open === "(" && close === ")" ? read(inner) : undefined;
  return { kind: "tuple", text, open: open as TupleAnswer["open"], close: close as TupleAnswer["close"], items: parts.map(read) };
}

/** Cut at commas; where some are followed by a blank, those between groups of three digits are thousands separators. */
function splitItems(text: string, also?: RegExp): string[] {
  const comma = /,\s/.test(text) ? /,(?!\d{3}(?!\d))|(?<!\d),/ : /,/;
  const separator = also ? new RegExp(`(?:${comma.source})\\s*(?:${also.source})?|${also.source}`) : comma;
  const parts = splitTop(text, separator).map((part) => part.trim());
  return parts.length > 1 ? parts.filter((part) => part !== "") : parts;
}

function readMatrix(text: string, read: Read): Answer | undefined {
  const found = /^\\begin\s*\{([pbB]?matrix|array|smallmatrix)\}(?:\s*\{[lcr| ]*\})?(.*)\\end\s*\{\1\}$/s.exec(text);
  if (!found) return undefined;
  const rows = found[2]!.split("\\\\").map((row) => row.split("&").map((cell) => cell.trim()));
  const filled = rows.at(-1)!.join("") === "" ? rows.slice(0, -1) : rows;
  if (filled.length * (filled[0]?.length ?? 0) > MAX_ITEMS || filled.some((row) => row.length !== filled[0]!.length)) return { kind: "text", text };
  return { kind: "matrix", text, rows: filled.map((row) => row.map(read)) };
}
