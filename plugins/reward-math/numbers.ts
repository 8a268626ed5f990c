/** Numbers as people and models write them. */

/** A number or a simple fraction, wherever it stands; a minus after a digit, letter or bracket is an operator. */
const NUMBER = /(?:(?<![\w)\]}])[-+])?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?:\/\d+(?:\.\d+)?)?/g;

/**
 * The number that a whole text is: `1,234.50`, `-3`, `$18`, `12%` (= 12), `3/4`, `\frac{3}{4}`, `1e5`, `42.`;
 * undefined for anything else.
 */
export function parseNumber(text: string): number | undefined {
  const plain = plainDigits(text)
    .replace(/\\[!,;: ]|\\?[$%]|[\s€£¥]/g, "")
    .replace(/\.$/, "");
  const fraction = /^([-+]?)\\[dt]?frac\{([-+]?[\d.]+)\}\{([-+]?[\d.]+)\}$/.exec(plain) ?? /^([-+]?)([\d.]+)\/([\d.]+)$/.exec(plain);
  if (fraction) return finite((fraction[1] === "-" ? -1 : 1) * (Number(fraction[2]) / Number(fraction[3])));
  if (!/^[-+]?(?:\d+|\d{1,3}(?:,\d{3})+)?(?:\.\d*)?(?:[eE][-+]?\d+)?$/.test(plain) || !/\d/.test(plain)) return undefined;
  return finite(Number(plain.replaceAll(",", "")));
}

/** The first number in a text. */
export function firstNumber(text: string): number | undefined {
  return parseNumber(plainDigits(text).match(NUMBER)?.[0].replace(/,$/, "") ?? "");
}

/** The last number in a text, as written. */
export function lastNumber(text: string): string | undefined {
  return text.match(NUMBER)?.at(-1)?.replace(/,$/, "");
}

/** True when the two differ by no more than `tolerance`, relative to the right one where that is larger than 1. */
export function closeTo(value: number, right: number, tolerance: number): boolean {
  return Math.abs(value - right) <= tolerance * Math.max(1, Math.abs(right));
}

/** Full-width digits and typographic minus signs as ASCII. */
function plainDigits(text: string): string {
  return text.normalize("NFKC").replace(/[\u2212\u2013]/g, "-");
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
