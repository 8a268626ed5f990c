/** Reads LaTeX or plain text as an expression. */
import { apply, exactly, named } from "./expression.js";
import type { Expression, Operation } from "./expression.js";
import { decimalToRational } from "./rational.js";
import { tokenize } from "./tokens.js";

const MAX_DEPTH = 40;

const FUNCTIONS: Readonly<Record<string, Operation>> = Object.fromEntries(
  (["sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "ln", "log", "exp"] as const).map((name) => [`\\${name}`, name]),
);
const INVERSE: Partial<Record<Operation, Operation>> = { sin: "arcsin", cos: "arccos", tan: "arctan" };
const BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}", "⟪": "⟫", "⌊": "⌋", "⌈": "⌉" };
/** What brackets do to what is in them; `\left|` and `\right|` are spelt ⟪ and ⟫. */
const FUNCTION_OF: Readonly<Record<string, Operation>> = { "⟪": "abs", "⌊": "floor", "⌈": "ceil" };
const GREEK =
  /^\\(?:alpha|beta|gamma|delta|(?:var)?epsilon|zeta|eta|(?:var)?theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|(?:var)?phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega|ell)$/;
const NUMBER = /^\.?\d/;
const WHOLE = /^\d+$/;

/** What is no expression ends the parse. */
const NO_EXPRESSION = new Error("no expression");

/**
 * The expression, or undefined for anything else: a relation, a word, an unknown command, brackets that do not close. Takes time
 * in proportion to the length. Products without a sign bind as those with one, so `1/2x` is half of x; the argument of a function
 * without brackets goes up to the next operator or function; `4\frac{2}{3}` is a mixed number.
 */
export function parseExpression(latex: string): Expression | undefined {
  const tokens = tokenize(latex);
  if (!tokens) return undefined;
  try {
    return new Parser(tokens).all();
  } catch (error) {
    if (error === NO_EXPRESSION) return undefined;
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly string[];
  #at = 0;
  #depth = 0;
  /** True between two bars, where the next one closes. */
  #inBars = false;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  all(): Expression {
    const read = this.#sum();
    return this.#next === undefined ? read : fail();
  }

  get #next(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(token: string): boolean {
    if (this.#next !== token) return false;
    this.#at++;
    return true;
  }

  #sum(): Expression {
    if (++this.#depth > MAX_DEPTH) fail();
    let sum = this.#term();
    while (this.#next === "+" || this.#next === "-") sum = apply("add", sum, this.#term());
    this.#depth--;
    return sum;
  }

  /** A product, with the signs before it. */
  #term(): Expression {
    const negative = this.#signs();
    let product = this.#power();
    for (;;) {
      if (this.#take("*")) product = apply("multiply", product, this.#signed());
      else if (this.#take("/")) product = apply("divide", product, this.#signed());
      else if (this.#startsFactor()) product = apply("multiply", product, this.#power());
      else return negative ? apply("negate", product) : product;
    }
  }

  #signs(): boolean {
    let negative = false;
    for (; this.#next === "+" || this.#next === "-"; this.#at++) if (this.#next === "-") negative = !negative;
    return negative;
  }

  #signed(): Expression {
    return this.#signs() ? apply("negate", this.#power()) : this.#power();
  }

  #startsFactor(): boolean {
    const token = this.#next;
    if (token === undefined) return false;
    if (NUMBER.test(token) && NUMBER.test(this.#tokens[this.#at - 1] ?? "")) return fail(); // 1 2 is no product
    return token === "|" ? !this.#inBars : /^(?:[A-Za-z\d.]|\\)/.test(token) || token in BRACKETS;
  }

  /** A factor with its factorials and its exponent. */
  #power(): Expression {
    let base = this.#primary();
    for (;;) {
      if (this.#take("!")) base = apply("factorial", base);
      else if (this.#take("°")) base = apply("multiply", base, apply("divide", named("pi"), exactly(180n)));
      else if (this.#take("%")) base = apply("divide", base, exactly(100n));
      else break;
    }
    return this.#take("^") ? apply("power", base, this.#exponent()) : base;
  }

  /** What follows `^`: a bracket, a letter or a number, with a sign or an exponent of its own. */
  #exponent(): Expression {
    if (++this.#depth > MAX_DEPTH) fail();
    const negative = this.#signs();
    let exponent = NUMBER.test(this.#next ?? "") ? this.#literal(this.#tokens[this.#at++]!) : this.#primary();
    if (this.#take("^")) exponent = apply("power", exponent, this.#exponent());
    this.#depth--;
    return negative ? apply("negate", exponent) : exponent;
  }

  #primary(): Expression {
    const token = this.#next ?? fail();
    this.#at++;
    if (NUMBER.test(token)) return this.#number(token);
    if (token in BRACKETS) return this.#bracketed(token);
    if (token === "|") return this.#bars();
    if (token === "\\frac") return apply("divide", this.#group(), this.#group());
    if (token === "\\binom") return apply("binomial", this.#group(), this.#group());
    if (token === "\\sqrt") return this.#root();
    if (token in FUNCTIONS) return this.#call(FUNCTIONS[token]!);
    if (/^[A-Za-z]$/.test(token) || GREEK.test(token)) return this.#name(token.replace("\\", ""));
    return fail();
  }

  /** A number, mixed ones included. */
  #number(token: string): Expression {
    const number = this.#literal(token);
    const part = WHOLE.test(token) ? this.#properFraction() : undefined;
    return part ? apply("add", number, part) : number;
  }

  #literal(token: string): Expression {
    const value = decimalToRational(token.startsWith(".") ? `0${token}` : token);
    return value ? { kind: "number", value, decimal: token.includes(".") } : fail();
  }

  /** The fraction of a mixed number. */
  #properFraction(): Expression | undefined {
    const [command, open, above, close, reopen, below, end] = this.#tokens.slice(this.#at, this.#at + 7);
    const isFraction = command === "\\frac" && open === "{" && close === "}" && reopen === "{" && end === "}" && WHOLE.test(above!) && WHOLE.test(below!);
    return isFraction && BigInt(above!) < BigInt(below!) ? this.#primary() : undefined;
  }

  #bracketed(open: string): Expression {
    const outer = this.#inBars;
    this.#inBars = false;
    const inner = this.#sum();
    this.#inBars = outer;
    if (!this.#take(BRACKETS[open]!)) fail();
    const operation = FUNCTION_OF[open];
    return operation ? apply(operation, inner) : inner;
  }

  #bars(): Expression {
    const outer = this.#inBars;
    this.#inBars = true;
    const inner = this.#sum();
    this.#inBars = outer;
    return this.#take("|") ? apply("abs", inner) : fail();
  }

  #group(): Expression {
    return this.#take("{") ? this.#bracketed("{") : fail();
  }

  #root(): Expression {
    const index = this.#take("[") ? this.#bracketed("[") : exactly(2n);
    return apply("root", this.#take("(") ? this.#bracketed("(") : this.#group(), index);
  }

  /** `\sin^2 x`, `\log_2 8`, `\tan^{-1} x` */
  #call(operation: Operation): Expression {
    const base = operation === "log" && this.#take("_") ? this.#exponent() : undefined;
    const exponent = this.#take("^") ? this.#exponent() : undefined;
    const inverse = exponent && isMinusOne(exponent) ? INVERSE[operation] : undefined;
    const argument = this.#argument();
    const value = operation === "log" ? apply("log", argument, base ?? exactly(10n)) : apply(inverse ?? operation, argument);
    return exponent && !inverse ? apply("power", value, exponent) : value;
  }

  /** A bracket, or every factor up to the next operator or function. */
  #argument(): Expression {
    const open = this.#next ?? fail();
    if (open === "|" || open in BRACKETS) return this.#primary();
    if (++this.#depth > MAX_DEPTH) fail();
    let argument = this.#power();
    while (this.#startsFactor() && !(this.#next! in FUNCTIONS)) argument = apply("multiply", argument, this.#power());
    this.#depth--;
    return argument;
  }

  /** A letter with its primes and its index, which are part of its name. */
  #name(letter: string): Expression {
    let name = letter;
    while (this.#take("'")) name += "'";
    if (this.#take("_")) name += `_${this.#index()}`;
    while (this.#take("'")) name += "'";
    return named(name);
  }

  #index(): string {
    const start = this.#at;
    let open = 0;
    do {
      const token = this.#next ?? fail();
      if (token === "{") open++;
      if (token === "}") open--;
      this.#at++;
    } while (open > 0);
    const tokens = this.#tokens.slice(start, this.#at);
    return (tokens[0] === "{" ? tokens.slice(1, -1) : tokens).join("");
  }
}

function isMinusOne(expression: Expression): boolean {
  return expression.kind === "apply" && expression.operation === "negate" && expression.args[0]!.kind === "number" && expression.args[0]!.value.n === 1n && expression.args[0]!.value.d === 1n;
}

function fail(): never {
  throw NO_EXPRESSION;
}
