/** Compares an answer with the right one. */
import type { Answer, InequalityAnswer, ManyAnswer, TupleAnswer } from "./answer.js";
import { choiceBefore, choiceOf, textKey, withoutChoice } from "./choices.js";
import { asTuple, equationValue, sameEquation } from "./equations.js";
import { apply, minus } from "./expression.js";
import type { Expression } from "./expression.js";
import { parseExpression } from "./parse-expression.js";
import { readAnswer } from "./read-answer.js";
import { proportional } from "./same-expression.js";
import { MAX_ANSWER } from "./spelling.js";
import { sameValue } from "./same-value.js";

/** True when the two normalised texts are the same answer. `tolerance` is relative and for numbers with a decimal point. */
export function sameAnswer(found: string, right: string, tolerance: number): boolean {
  if (Math.max(found.length, right.length) > MAX_ANSWER) return found === right;
  if (textKey(found) === textKey(right)) return true;
  const choice = choiceOf(right);
  if (choice !== undefined && choice === (choiceOf(found) ?? choiceBefore(found))) return true;
  return same(readAnswer(withoutChoice(found)), readAnswer(right), tolerance);
}

function same(found: Answer, right: Answer, tolerance: number): boolean {
  const again = (a: Answer, b: Answer): boolean => same(a, b, tolerance);
  if (textKey(found.text) === textKey(right.text)) return true;
  const [one, other] = [single(found), single(right)];
  if (one || other) return again(one ?? found, other ?? right);
  if (found.kind === "equation" && right.kind === "equation") return sameEquation(found, right, again);
  if (found.kind === "equation") return againWith(equationValue(found, true), (value) => again(value, right));
  if (right.kind === "equation") return againWith(equationValue(right, false), (value) => again(found, value));
  if (isMany(found) && isMany(right)) return found.kind === "list" && right.kind === "list" ? sameInAnyOrder(found.items, right.items, again) : sameElements(found.items, right.items, again);
  if (found.kind === "union" && right.kind === "union") return sameInAnyOrder(found.items, right.items, again);
  if (found.kind === "matrix" && right.kind === "matrix") return found.rows[0]!.length === right.rows[0]!.length && inOrder(found.rows.flat(), right.rows.flat(), again);
  if (found.kind === "inequality" && right.kind === "inequality") return sameInequality(found, right);
  const [a, b] = [asTuple(found), asTuple(right)];
  if (a && b) return sameTuple(a, b, again);
  return (found.kind === "value" || found.kind === "text") && (right.kind === "value" || right.kind === "text") && sameValue(found, right, tolerance);
}

type Same = (found: Answer, right: Answer) => boolean;

function againWith(value: Answer | undefined, again: (value: Answer) => boolean): boolean {
  return value !== undefined && again(value);
}

function isMany(answer: Answer): answer is ManyAnswer {
  return answer.kind === "set" || answer.kind === "list";
}

/** A set or list of one is as good as its element. */
function single(answer: Answer): Answer | undefined {
  return isMany(answer) && answer.items.length === 1 ? answer.items[0] : undefined;
}

function inOrder(found: Answer[], right: Answer[], same: Same): boolean {
  return found.length === right.length && found.every((item, i) => same(item, right[i]!));
}

function sameTuple(found: TupleAnswer, right: TupleAnswer, same: Same): boolean {
  return found.open === right.open && found.close === right.close && inOrder(found.items, right.items, same);
}

/** As often in one as in the other. */
function sameInAnyOrder(found: Answer[], right: Answer[], same: Same): boolean {
  if (found.length !== right.length) return false;
  const left = [...right];
  for (const item of found) {
    const at = left.findIndex((other) => same(item, other));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

/** Each element of one in the other. */
function sameElements(found: Answer[], right: Answer[], same: Same): boolean {
  return found.every((item) => right.some((other) => same(item, other))) && right.every((item) => found.some((other) => same(other, item)));
}

/** Both brought to f < 0 or f ≤ 0, f may differ by a positive factor. Chains must be written alike. */
function sameInequality(found: InequalityAnswer, right: InequalityAnswer): boolean {
  const [a, b] = [below(found), below(right)];
  return a !== undefined && b !== undefined && a.strict === b.strict && proportional(a.difference, b.difference, true);
}

function below({ sides, signs }: InequalityAnswer): { difference: Expression; strict: boolean } | undefined {
  const [left, right] = sides.map(parseExpression);
  if (sides.length !== 2 || !left || !right) return undefined;
  const difference = minus(left, right);
  const [sign] = signs;
  return { difference: sign === ">" || sign === "\\ge" ? apply("negate", difference) : difference, strict: sign === "<" || sign === ">" };
}
