/** Numbers as people and models write them, read exactly. */
import { add, decimalToRational, divide, negate, power, rational } from "./rational.js";
import type { Rational } from "./rational.js";

export interface ExactNumber {
  value: Rational;
  /** Written with a decimal point, so possibly rounded. */
  decimal: boolean;
}

const WHOLE = String.raw`(?:\d{1,3}(?:[, ]\d{3})+(?![\d,])|\d+)`;
const EXPONENT = String.raw`(?:[eE]([-+]?\d{1,4})|\s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*(?:\{\s*([-+]?\d{1,4})\s*\}|\(([-+]?\d{1,4})\)|([-+]?\d{1,4})))`;
const DECIMAL = new RegExp(String.raw`^(${WHOLE})?(?:\.(\d*))?${EXPONENT}?$`);
const REPEATING = /^(\d*)\.(\d*)(?:\\overline\s*\{(\d+)\}|\\bar\s*\{?(\d+)\}?|\((\d+)\)|(?:(\d{1,6})\6{2,}…))$/;
const MIXED = new RegExp(String.raw`^(${WHOLE})\s*(?:\\frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|\s(\d+)\s*/\s*(\d+))$`);
const FRACTION = /^(?:\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}|([^/]*)\/([^/]*))$/;

/**
 * `42`, `-1,234.5`, `1 000`, `.5`, `6.02e23`, `6.02 \times 10^{23}`, `3/4`, `\frac{-3}{4}`, `4\frac{2}{3}`, `4 2/3`,
 * `0.\overline{3}`; undefined for everything else. The text is normalised.
 */
export function readNumber(text: string): ExactNumber | undefined {
  const signed = /^([-+]?)\s*(.*)$/s.exec(text)!;
  const found = readMixed(signed[2]!) ?? readFraction(signed[2]!) ?? readDecimal(signed[2]!);
  return found && signed[1] === "-" ? { ...found, value: negate(found.value) } : found;
}

function readMixed(text: string): ExactNumber | undefined {
  const [, whole, n1, d1, n2, d2] = MIXED.exec(text) ?? [];
  const [n, d] = [n1 ?? n2, d1 ?? d2];
  if (whole === undefined || n === undefined || d === undefined || BigInt(n) >= BigInt(d)) return undefined;
  const fraction = rational(BigInt(n), BigInt(d));
  const value = fraction && add({ n: BigInt(whole.replace(/[, ]/g, "")), d: 1n }, fraction);
  return value && { value, decimal: false };
}

function readFraction(text: string): ExactNumber | undefined {
  const [, n1, d1, n2, d2] = FRACTION.exec(text) ?? [];
  const [n, d] = [n1 ?? n2, d1 ?? d2];
  if (n === undefined || d === undefined) return undefined;
  const [above, below] = [readSigned(n.trim()), readSigned(d.trim())];
  const value = above && below && divide(above.value, below.value);
  return value && { value, decimal: above.decimal || below.decimal };
}

function readSigned(text: string): ExactNumber | undefined {
  const found = readDecimal(text.replace(/^[-+]\s*/, ""));
  return found && text.startsWith("-") ? { ...found, value: negate(found.value) } : found;
}

function readDecimal(text: string): ExactNumber | undefined {
  if (!/\d/.test(text)) return undefined;
  const [matched, whole = "", places, ...exponents] = DECIMAL.exec(text) ?? [];
  if (matched === undefined) return readRepeating(text) ?? (text.endsWith("…") ? readDecimal(text.slice(0, -1)) : undefined);
  const exponent = exponents.find((one) => one !== undefined);
  const digits = whole.replace(/[, ]/g, "");
  if (digits === "" && !places) return undefined;
  const value = decimalToRational(`${digits || "0"}.${places ?? ""}`, Number(exponent ?? 0));
  return value && { value, decimal: places !== undefined };
}

/** 0.1\overline{6} = 1/10 + 6/90 */
function readRepeating(text: string): ExactNumber | undefined {
  const [matched, whole = "", places = "", ...periods] = REPEATING.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const period = periods.find((one) => one !== undefined)!;
  const start = decimalToRational(`${whole || "0"}.${places}`);
  const scale = power({ n: 10n, d: 1n }, { n: BigInt(-places.length), d: 1n });
  const repeated = scale && rational(BigInt(period) * scale.n, (10n ** BigInt(period.length) - 1n) * scale.d);
  const value = start && repeated && add(start, repeated);
  return value && { value, decimal: false };
}
