/** Values of expressions in doubles, at given values of their names. */
import * as complex from "./complex.js";
import type { Complex } from "./complex.js";
import type { Expression, Operation } from "./expression.js";
import { toNumber } from "./rational.js";

const number = complex.complex;

const CONSTANTS: Readonly<Record<string, Complex>> = { pi: number(Math.PI), e: number(Math.E), i: { re: 0, im: 1, error: 0 } };

const OPERATIONS: Readonly<Record<Operation, (a: Complex, b: Complex) => Complex>> = {
  add: complex.add,
  negate: complex.negate,
  multiply: complex.multiply,
  divide: complex.divide,
  power: complex.power,
  root: complex.root,
  exp: complex.exp,
  ln: complex.ln,
  log: (a, base) => complex.divide(complex.ln(a), complex.ln(base)),
  abs: (a) => number(complex.size(a), 0, a.error),
  floor: (a) => complex.real(a, (x) => Math.floor(x + 8 * a.error), () => 0),
  ceil: (a) => complex.real(a, (x) => Math.ceil(x - 8 * a.error), () => 0),
  factorial,
  binomial: (n, k) => complex.divide(factorial(n), complex.multiply(factorial(k), factorial(complex.add(n, complex.negate(k))))),
  sin: complex.sin,
  cos: complex.cos,
  tan: (a) => complex.divide(complex.sin(a), complex.cos(a)),
  cot: (a) => complex.divide(complex.cos(a), complex.sin(a)),
  sec: (a) => complex.divide(number(1), complex.cos(a)),
  csc: (a) => complex.divide(number(1), complex.sin(a)),
  arcsin: (a) => complex.real(a, Math.asin, (x) => 1 / Math.sqrt(1 - x * x)),
  arccos: (a) => complex.real(a, Math.acos, (x) => 1 / Math.sqrt(1 - x * x)),
  arctan: (a) => complex.real(a, Math.atan, (x) => 1 / (1 + x * x)),
  sinh: (a) => complex.real(a, Math.sinh, Math.cosh),
  cosh: (a) => complex.real(a, Math.cosh, (x) => Math.abs(Math.sinh(x))),
  tanh: (a) => complex.real(a, Math.tanh, () => 1),
};

/**
 * The value with a bound on its error; NaN or infinite where it is not defined or too large. With `real`, also where a part of
 * it is not a real number.
 */
export function evaluate(expression: Expression, values: ReadonlyMap<string, number>, real: boolean): Complex {
  if (expression.kind === "number") return exact(toNumber(expression.value), expression.value.d === 1n);
  if (expression.kind === "name") return CONSTANTS[expression.name] ?? exact(values.get(expression.name)!, true);
  const [a, b] = expression.args.map((arg) => evaluate(arg, values, real)) as [Complex, Complex];
  const value = OPERATIONS[expression.operation](a, b);
  return real && value.im !== 0 ? complex.NOWHERE : value;
}

function exact(value: number, isExact: boolean): Complex {
  return isExact && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? { re: value, im: 0, error: 0 } : number(value);
}

/** Γ(x + 1) for real x; its slope there is about the value times the logarithm of x. */
function factorial(a: Complex): Complex {
  const value = gamma(a.re + 1);
  return a.im === 0 ? number(value, 0, Math.abs(value) * ((1 + Math.log1p(Math.abs(a.re))) * a.error + GAMMA_ERROR)) : complex.NOWHERE;
}

/** Lanczos' approximation with g = 7 and nine terms. */
const GAMMA_ERROR = 1e-14;
const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];

function gamma(x: number): number {
  if (Number.isInteger(x) && x > 0 && x < 171) return Array.from({ length: x - 1 }, (_, i) => i + 1).reduce((product, factor) => product * factor, 1);
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x));
  const series = LANCZOS.reduce((sum, term, i) => sum + (i === 0 ? term : term / (x - 1 + i)), 0);
  const t = x + 6.5;
  return Math.sqrt(2 * Math.PI) * t ** (x - 0.5) * Math.exp(-t) * series;
}
