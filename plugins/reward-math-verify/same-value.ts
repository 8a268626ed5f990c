/** Compares numbers and expressions, with their units. */
import type { TextAnswer, ValueAnswer } from "./answer.js";
import { apply, exactly, named } from "./expression.js";
import type { Expression } from "./expression.js";
import { parseExpression } from "./parse-expression.js";
import { equal } from "./rational.js";
import { sameExpression } from "./same-expression.js";
import type { Unit } from "./units.js";

/**
 * True when the two are the same quantity. A unit may be left out of either; where both have one, it must measure the same, and
 * 1 m is 100 cm. A percentage left out is 50 or 0.5, degrees left out are degrees or radians.
 */
export function sameValue(found: ValueAnswer | TextAnswer, right: ValueAnswer | TextAnswer, tolerance: number): boolean {
  if (found.kind === "text" && right.kind === "text") return false; // equal texts were found equal before
  const same = (a: Expression | undefined, b: Expression | undefined): boolean => a !== undefined && b !== undefined && sameExpression(a, b, tolerance);
  const [a, b] = [expressionOf(found), expressionOf(right)];
  const [unit, rightUnit] = [unitOf(found), unitOf(right)];
  if (!unit && !rightUnit) return same(a, b);
  if (unit && rightUnit) {
    if (unit.dimension === rightUnit.dimension) return equal(unit.factor, rightUnit.factor) ? same(a, b) : same(scaled(a, unit), scaled(b, rightUnit));
    return isPlain(unit) && isPlain(rightUnit) && same(scaled(a, unit), scaled(b, rightUnit));
  }
  const plain = (unit && isPlain(unit)) || (rightUnit && isPlain(rightUnit));
  // What looks like a unit may be a variable: `5 m` beside `m \cdot 5`.
  return same(a, b) || (plain === true && same(scaled(a, unit), scaled(b, rightUnit))) || same(parseExpression(found.text), parseExpression(right.text));
}

function expressionOf(answer: ValueAnswer | TextAnswer): Expression | undefined {
  if (answer.kind === "text") return parseExpression(answer.text);
  return answer.number ? { kind: "number", ...answer.number } : parseExpression(answer.latex);
}

function unitOf(answer: ValueAnswer | TextAnswer): Unit | undefined {
  return answer.kind === "value" ? answer.unit : undefined;
}

/** Per cent, degrees and radians are numbers themselves. */
function isPlain({ dimension }: Unit): boolean {
  return dimension === "%" || dimension === "angle" || dimension === "rad";
}

function scaled(value: Expression | undefined, unit: Unit | undefined): Expression | undefined {
  if (!value || !unit) return value;
  if (unit.dimension === "angle") return apply("multiply", value, apply("divide", named("pi"), exactly(180n)));
  return apply("multiply", value, exactly(unit.factor));
}
