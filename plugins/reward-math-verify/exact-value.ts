/** Exact values of expressions without names. */
import type { Expression } from "./expression.js";
import { add, divide, equal, multiply, negate, power, rational } from "./rational.js";
import type { Rational } from "./rational.js";

const MAX_FACTORIAL = 500n;

/** The value as a fraction; undefined where it is none, cannot be told exactly, or is too large. */
export function exactValue(expression: Expression): Rational | undefined {
  if (expression.kind === "number") return expression.value;
  if (expression.kind === "name") return undefined;
  const args: Rational[] = [];
  for (const arg of expression.args) {
    const value = exactValue(arg);
    if (!value) return undefined;
    args.push(value);
  }
  const [a, b] = args as [Rational, Rational];
  switch (expression.operation) {
    case "add":
      return add(a, b);
    case "negate":
      return negate(a);
    case "multiply":
      return multiply(a, b);
    case "divide":
      return divide(a, b);
    case "power":
      return power(a, b);
    case "abs":
      return a.n < 0n ? negate(a) : a;
    case "floor":
      return rational(floor(a));
    case "ceil":
      return rational(-floor(negate(a)));
    case "factorial":
      return factorial(a);
    case "binomial":
      return binomial(a, b);
    case "root":
      return exactRoot(a, b);
    default:
      return undefined;
  }
}

function floor({ n, d }: Rational): bigint {
  return n >= 0n ? n / d : -((-n + d - 1n) / d);
}

function factorial({ n, d }: Rational): Rational | undefined {
  if (d !== 1n || n < 0n || n > MAX_FACTORIAL) return undefined;
  let product = 1n;
  for (let i = 2n; i <= n; i++) product *= i;
  return rational(product);
}

function binomial(n: Rational, k: Rational): Rational | undefined {
  if (n.d !== 1n || k.d !== 1n || k.n < 0n || n.n < k.n) return undefined;
  const [above, below, rest] = [factorial(n), factorial(k), factorial({ n: n.n - k.n, d: 1n })];
  return above && below && rest && rational(above.n, below.n * rest.n);
}

/** The root where it is a whole number or a fraction of small ones: the rounded root is tried. */
function exactRoot(value: Rational, index: Rational): Rational | undefined {
  const near = (whole: bigint): bigint => BigInt(Math.round(Number(whole) ** (Number(index.d) / Number(index.n))));
  if (index.d !== 1n || index.n < 1n || index.n > 64n || value.n < 0n || value.n > 2n ** 53n || value.d > 2n ** 53n) return undefined;
  const root = rational(near(value.n), near(value.d));
  const back = root && power(root, index);
  return back && equal(back, value) ? root : undefined;
}
