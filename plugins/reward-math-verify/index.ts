export * from "./final-answer.js";
export * from "./math.js";
export { parseExpression } from "./parse-expression.js";
export { sameAnswer } from "./same-answer.js";
export { normalise } from "./spelling.js";
