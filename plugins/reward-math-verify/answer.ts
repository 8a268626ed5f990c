/** What an answer can be. */
import type { ExactNumber } from "./read-number.js";
import type { Unit } from "./units.js";

/** Reads a part of an answer. */
export type Read = (part: string) => Answer;

/** A number or an expression, with or without a unit. */
export interface ValueAnswer {
  kind: "value";
  /** The whole text, normalised, and what is left of it without the unit. */
  text: string;
  latex: string;
  /** Where the text is a plain number. */
  number?: ExactNumber;
  unit?: Unit;
}

/** Words. */
export interface TextAnswer {
  kind: "text";
  text: string;
}

/** A point, a vector or an interval: what stands in round or square brackets, in order. */
export interface TupleAnswer {
  kind: "tuple";
  text: string;
  open: "(" | "[";
  close: ")" | "]";
  items: Answer[];
}

/** Several answers in any order: `set` with braces, where a repeated element counts once, or a `list`. */
export interface ManyAnswer {
  kind: "set" | "list";
  text: string;
  items: Answer[];
}

/** Intervals, `(0,1] \cup (2,3)`. */
export interface UnionAnswer {
  kind: "union";
  text: string;
  items: Answer[];
}

/** `x = 5`, or a chain of them; at least two sides. */
export interface EquationAnswer {
  kind: "equation";
  text: string;
  sides: string[];
}

export type Comparison = "<" | ">" | "\\le" | "\\ge";

/** `y < 2x + 1`: an inequality that is no interval of one variable. */
export interface InequalityAnswer {
  kind: "inequality";
  text: string;
  sides: string[];
  signs: Comparison[];
}

export interface MatrixAnswer {
  kind: "matrix";
  text: string;
  rows: Answer[][];
}

export type Answer = ValueAnswer | TextAnswer | TupleAnswer | ManyAnswer | UnionAnswer | EquationAnswer | InequalityAnswer | MatrixAnswer;
