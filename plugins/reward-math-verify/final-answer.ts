/** Finds the final answer in a completion. */
import type { Answer } from "./answer.js";
import { strip } from "./brackets.js";
import { parseExpression } from "./parse-expression.js";
import { readAnswer } from "./read-answer.js";
import { MAX_ANSWER, normalise } from "./spelling.js";

export const answerPlaces = ["auto", "marked", "boxed"] as const;
export type AnswerPlace = (typeof answerPlaces)[number];

/**
 * The final answer: the last `\boxed{…}`; else (not for `boxed`) what follows the last `####`, "answer is" or "Answer:"; else
 * (for `auto`) a completion of one short line, or the last formula or number. Undefined where there is none, or where the last
 * box is cut off.
 */
export function finalAnswer(completion: string, place: AnswerPlace): string | undefined {
  const box = lastBox(completion);
  if (box !== undefined) return box.content;
  if (place === "boxed") return undefined;
  return afterMark(completion) ?? (place === "auto" ? unmarked(completion) : undefined);
}

const BOX = /\\(?:boxed|fbox)\s*(?:(\{)|([\w(+-][^\s$]*))/g;

/** The last `\boxed` or `\fbox`: its content, or undefined where the braces stay open. `\boxed 4` has no braces. */
function lastBox(text: string): { content: string | undefined } | undefined {
  const found = last(text, BOX);
  if (!found || found[2] !== undefined) return found && { content: found[2] };
  const start = found.index + found[0].length;
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return { content: text.slice(start, i) };
  }
  return { content: undefined };
}

const MARK = /#{4,}|\b(?:answer|option|choice)(?:[*_]*\s*[:：]|(?:\s[^.:=\n$\\]{1,60}?)?\s(?:is|are|equals|would be|will be|must be|should be)(?![A-Za-z])[*_]*\s*[:：]?)/gi;

/** The rest of the line behind the last mark that something follows; behind words also the next line. */
function afterMark(text: string): string | undefined {
  for (const mark of [...text.matchAll(MARK)].reverse()) {
    const start = mark.index + mark[0].length;
    const lines = text.slice(start, start + 4 * MAX_ANSWER).split("\n");
    const line = (mark[0].startsWith("#") ? lines.slice(0, 1) : lines).find((one) => strip(one, " \t\r*_`$[\\") !== "");
    if (line !== undefined) return sentence(line).trim();
  }
  return undefined;
}

/** Up to what ends the sentence or gives a reason. */
function sentence(line: string): string {
  const end = /(?<=[\w$)}\]%°])\.\s+(?=\S)|[,;]?\s(?:because|since|which|where|so that|as (?:we|the|it))\b/.exec(line);
  return end ? line.slice(0, end.index) : line;
}

const FORMULA = /\$\$([^$]+)\$\$|\$([^\s$](?:[^$\n]*[^\s$])?)\$(?!\d)|\\\(([^\n]+?)\\\)|\\\[([\s\S]+?)\\\]/g;
const NUMBER = /(?:(?<![\w)\]}])[-+−])?[$€£]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?:\/\d+(?:\.\d+)?)?%?/g;
const SHORT = 120;
/** Only so many characters from the end are searched for a formula or a number. */
const TAIL = 2000;

function unmarked(text: string): string | undefined {
  const whole = strip(text, " \t\r\n");
  if (whole.length <= SHORT && !whole.includes("\n") && (!/\d/.test(whole) || isMathematics(readAnswer(normalise(whole))))) return whole || undefined;
  const tail = text.slice(-TAIL);
  const [formula, number] = [last(tail, FORMULA), last(tail, NUMBER)];
  if (!formula || (number && number.index > formula.index + formula[0].length)) return number?.[0];
  return formula.slice(1).find((group) => group !== undefined);
}

/** Without words. */
function isMathematics(answer: Answer): boolean {
  if (answer.kind === "matrix") return answer.rows.flat().every(isMathematics);
  if (answer.kind === "value") return answer.number !== undefined || parseExpression(answer.latex) !== undefined;
  return "items" in answer ? answer.items.every(isMathematics) : answer.kind !== "text";
}

function last(text: string, pattern: RegExp): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].at(-1);
}
