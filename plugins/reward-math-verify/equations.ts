/** What an equation says: the value of what its left side names, or a relation. */
import type { Answer, EquationAnswer, TupleAnswer } from "./answer.js";
import { textKey } from "./choices.js";
import { minus } from "./expression.js";
import { isBareName, isName, variables } from "./names.js";
import { parseExpression } from "./parse-expression.js";
import { readAnswer } from "./read-answer.js";
import { proportional } from "./same-expression.js";

/** `x`, and what stands on the other side; of a chain `x = 2 + 3 = 5` the last. */
function naming({ sides }: EquationAnswer): { name: string; value: string } | undefined {
  const [first, last] = [sides[0]!, sides.at(-1)!];
  if (isName(first)) return { name: first, value: last };
  return sides.length === 2 && isBareName(last) ? { name: last, value: first } : undefined;
}

/**
 * The value that an equation gives to a name. Of a found answer (`lenient`) also the right side of `2 + 3 = 5`, and of
 * `m + n = 17`, which repeats what was asked for; but not of `2x = 5`, which is not yet solved.
 */
export function equationValue(equation: EquationAnswer, lenient: boolean): Answer | undefined {
  const value = naming(equation)?.value ?? (lenient ? restated(equation) : undefined);
  return value === undefined ? undefined : readAnswer(value);
}

function restated({ sides }: EquationAnswer): string | undefined {
  const [known, last] = [variables(sides[0]!).size, sides.at(-1)!];
  return known !== 1 && variables(last).size === 0 ? last : undefined;
}

/** The same name with the same value, or the same relation up to a factor. */
export function sameEquation(found: EquationAnswer, right: EquationAnswer, same: (found: Answer, right: Answer) => boolean): boolean {
  const [a, b] = [naming(found), naming(right)];
  const bothVariables = a && b && isBareName(a.name) && isBareName(b.name);
  if (a && b && (!bothVariables || textKey(a.name) === textKey(b.name)) && same(readAnswer(a.value), readAnswer(b.value))) return true;
  const [f, g] = [difference(found), difference(right)];
  return f !== undefined && g !== undefined && proportional(f, g, false);
}

function difference({ sides }: EquationAnswer): ReturnType<typeof parseExpression> {
  const [left, right] = sides.map(parseExpression);
  return sides.length === 2 && left && right ? minus(left, right) : undefined;
}

/** A tuple; `x = 1, y = 2` by the order of its names; a column of a matrix. */
export function asTuple(answer: Answer): TupleAnswer | undefined {
  if (answer.kind === "tuple") return answer;
  const round = (items: Answer[]): TupleAnswer => ({ kind: "tuple", text: answer.text, open: "(", close: ")", items });
  if (answer.kind === "matrix") return answer.rows[0]!.length === 1 ? round(answer.rows.flat()) : undefined;
  if (answer.kind !== "list") return undefined;
  const named = answer.items.map((item) => (item.kind === "equation" ? naming(item) : undefined));
  if (!named.every((one) => one !== undefined && isBareName(one.name)) || new Set(named.map((one) => one!.name)).size < named.length) return undefined;
  const sorted = (named as { name: string; value: string }[]).sort((x, y) => (x.name < y.name ? -1 : 1));
  return round(sorted.map(({ value }) => readAnswer(value)));
}
