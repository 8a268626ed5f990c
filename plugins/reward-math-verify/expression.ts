/** Expressions of one value. */
import type { ExactNumber } from "./read-number.js";
import type { Rational } from "./rational.js";

// prettier-ignore
export type Operation =
  | "add" | "negate" | "multiply" | "divide" | "power" | "root" | "abs" | "floor" | "ceil" | "factorial" | "binomial" | "log"
  | "sin" | "cos" | "tan" | "cot" | "sec" | "csc" | "arcsin" | "arccos" | "arctan" | "sinh" | "cosh" | "tanh" | "ln" | "exp";

/** `root` takes what is under it and its index, `log` its argument and its base. The names `pi`, `e` and `i` are the constants. */
export type Expression = ({ kind: "number" } & ExactNumber) | { kind: "name"; name: string } | { kind: "apply"; operation: Operation; args: readonly Expression[] };

export const CONSTANTS: ReadonlySet<string> = new Set(["pi", "e", "i"]);

export const exactly = (value: Rational | bigint): Expression => ({ kind: "number", value: typeof value === "bigint" ? { n: value, d: 1n } : value, decimal: false });
export const named = (name: string): Expression => ({ kind: "name", name });
export const apply = (operation: Operation, ...args: Expression[]): Expression => ({ kind: "apply", operation, args });
export const minus = (a: Expression, b: Expression): Expression => apply("add", a, apply("negate", b));

/** All names in an expression, constants included, and whether a number in it was written with a decimal point. */
export function contents(expression: Expression): { names: Set<string>; decimal: boolean } {
  const names = new Set<string>();
  let decimal = false;
  const visit = (one: Expression): void => {
    if (one.kind === "apply") one.args.forEach(visit);
    else if (one.kind === "name") names.add(one.name);
    else decimal ||= one.decimal;
  };
  visit(expression);
  return { names, decimal };
}
