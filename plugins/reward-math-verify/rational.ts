/** Exact fractions of whole numbers, of bounded size. */

/** In lowest terms, the denominator positive. */
export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Larger numerators and denominators (in bits) are not computed: hostile input such as `9^{9^9}` would never end. */
const MAX_BITS = 4096;

/** n/d in lowest terms; undefined for d = 0 and for numbers beyond MAX_BITS. */
export function rational(n: bigint, d = 1n): Rational | undefined {
  if (d === 0n || bits(n) > 2 * MAX_BITS || bits(d) > 2 * MAX_BITS) return undefined;
  const divisor = gcd(abs(n), abs(d));
  const sign = d < 0n ? -1n : 1n;
  const result = { n: (sign * n) / divisor, d: (sign * d) / divisor };
  return bits(result.n) > MAX_BITS || bits(result.d) > MAX_BITS ? undefined : result;
}

/** A decimal such as `-12.50` or `3`, read exactly; the text holds nothing but sign, digits and point. */
export function decimalToRational(text: string, exponent = 0): Rational | undefined {
  if (text.length > 1000 || Math.abs(exponent) > 1000) return undefined;
  const [whole, places = ""] = text.split(".") as [string, string?];
  const shift = exponent - places.length;
  const digits = BigInt(`${whole}${places}`.replace(/^\+/, ""));
  return shift >= 0 ? rational(digits * 10n ** BigInt(shift)) : rational(digits, 10n ** BigInt(-shift));
}

export const add = (a: Rational, b: Rational): Rational | undefined => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const multiply = (a: Rational, b: Rational): Rational | undefined => rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational): Rational | undefined => rational(a.n * b.d, a.d * b.n);
export const negate = ({ n, d }: Rational): Rational => ({ n: -n, d });
/** Negative when a < b. */
export const compare = (a: Rational, b: Rational): number => Number(a.n * b.d - b.n * a.d);
export const equal = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;

/** base^exponent for a whole exponent; undefined for others and for results beyond MAX_BITS. */
export function power(base: Rational, exponent: Rational): Rational | undefined {
  if (exponent.d !== 1n || bits(exponent.n) > 32) return undefined;
  const times = abs(exponent.n);
  if (BigInt(Math.max(bits(base.n), bits(base.d)) - 1) * times > BigInt(MAX_BITS)) return undefined;
  if (abs(base.n) <= 1n && base.d === 1n) return smallPower(base, exponent.n);
  const [n, d] = [base.n ** times, base.d ** times];
  return exponent.n < 0n ? rational(d, n) : rational(n, d);
}

/** 0, 1 or -1 to any power, without multiplying them out. */
function smallPower({ n }: Rational, exponent: bigint): Rational | undefined {
  if (n === 0n) return exponent > 0n ? rational(0n) : undefined;
  return rational(n === -1n && exponent % 2n === 0n ? 1n : n);
}

/** The nearest double; fractions of huge numbers are shortened first. */
export function toNumber({ n, d }: Rational): number {
  const excess = BigInt(Math.max(0, Math.min(bits(n), bits(d)) - 80));
  return Number(n >> excess) / Number(d >> excess);
}

/** |value - right| / |right|, exact up to the last rounding; 0 or Infinity where `right` is 0. */
export function relativeError(value: Rational, right: Rational): number {
  if (equal(value, right)) return 0;
  const difference = add(value, negate(right));
  const ratio = difference && divide(difference, right);
  return ratio ? Math.abs(toNumber(ratio)) : Number.POSITIVE_INFINITY;
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** An upper bound on the length in bits, at most 3 above it. */
function bits(value: bigint): number {
  return abs(value).toString(16).length * 4;
}
