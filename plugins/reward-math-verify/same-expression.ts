/** Whether two expressions are equal by algebra. */
import { size } from "./complex.js";
import type { Complex } from "./complex.js";
import { evaluate } from "./evaluate.js";
import { exactValue } from "./exact-value.js";
import { CONSTANTS, contents } from "./expression.js";
import type { Expression } from "./expression.js";
import { equal, relativeError } from "./rational.js";

/** Points tried, and how many of them must be in the domain of both. In the first half all names are positive. */
const POINTS = 40;
const LEAST_POINTS = 3;
/** `\sqrt{x - 5}` needs large numbers, `\sqrt{1 - x^2}` small ones. */
const SCALES = [1, 1, 1, 6, 30];
/** Rounding errors allowed, as a multiple of their estimate. */
const SLACK = 64;
/** A value whose rounding error may be larger than this share of it says nothing. */
const WORST_ERROR = 1e-6;

/**
 * True when the two are equal: fractions exactly; others when their values agree at points in general position, up to rounding.
 * Different expressions of this size never agree at so many points. Where one was written with a decimal point, the values may
 * differ by `tolerance` relative to the right one's.
 */
export function sameExpression(found: Expression, right: Expression, tolerance: number): boolean {
  const allowed = contents(found).decimal || contents(right).decimal ? tolerance : 0;
  const [a, b] = [exactValue(found), exactValue(right)];
  if (a && b) return equal(a, b) || relativeError(a, b) <= allowed;
  return agree(found, right, (x, y) => (differ(x, y, allowed) ? undefined : 0), () => true);
}

/** True when one is the other times a constant, positive where the sign matters: the two sides of an equation or inequality brought together. */
export function proportional(found: Expression, right: Expression, positive: boolean): boolean {
  const ratio = (x: Complex, y: Complex): number | undefined => (x.im === 0 && y.im === 0 && size(y) > 1e-9 && size(x) > 1e-9 ? x.re / y.re : undefined);
  return agree(found, right, ratio, (ratios) => ratios.every((one) => Math.abs(one - ratios[0]!) <= 1e-9 * Math.abs(one)) && !(positive && ratios[0]! < 0));
}

/** Compares the two at each point where both can be computed; false as soon as `compare` gives undefined. */
function agree(found: Expression, right: Expression, compare: (x: Complex, y: Complex) => number | undefined, judge: (results: number[]) => boolean): boolean {
  const names = new Set([...contents(found).names, ...contents(right).names]);
  const variables = [...names].filter((name) => !CONSTANTS.has(name)).sort();
  const real = variables.length > 0 && !names.has("i");
  const points = variables.length === 0 ? 1 : POINTS;
  const results: number[] = [];
  for (let point = 0; point < points; point++) {
    const values = new Map(variables.map((name, i) => [name, coordinate(point, i)]));
    const [x, y] = [evaluate(found, values, real), evaluate(right, values, real)];
    if (!isSound(x) || !isSound(y)) continue;
    const result = compare(x, y);
    if (result === undefined) return false;
    results.push(result);
  }
  return results.length >= Math.min(points, LEAST_POINTS) && judge(results);
}

function isSound(value: Complex): boolean {
  return Number.isFinite(value.re) && Number.isFinite(value.im) && SLACK * value.error <= Math.max(WORST_ERROR * size(value), 1e-10);
}

function differ(x: Complex, y: Complex, tolerance: number): boolean {
  const distance = size({ re: x.re - y.re, im: x.im - y.im });
  return distance > SLACK * (x.error + y.error) + tolerance * size(y);
}

/** Mostly between 0.2 and 2.2 in size, at times up to 66, the same every time and no two alike: fractional parts of multiples of irrational numbers. */
function coordinate(point: number, variable: number): number {
  const fraction = ((point + 1) * 0.618_033_988_749_895 + (variable + 1) * 0.414_213_562_373_095 + (point + 1) * (variable + 1) * 0.324_717_957_244_746) % 1;
  const negative = point >= POINTS / 2 && (point + variable) % 3 !== 0;
  return (0.2 + 2 * fraction) * SCALES[(point + variable) % SCALES.length]! * (negative ? -1 : 1);
}
