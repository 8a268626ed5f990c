/** Finds the final answer in a text. */
import { boxedContent, lastBoxed } from "./boxed.js";
import { lastNumber } from "./numbers.js";

const extractors = {
  /** GSM8K's form: what follows the last `####` on its line. */
  hash: (text: string) => afterLast(text, /#{4,}/),
  /** What follows the last "Final Answer:" (any case) on its line. */
  "final-answer": (text: string) => afterLast(text, /final answer(?:[ \t]+is)?[ \t*_]*[:：]/i),
  /** The last `\boxed{…}`. */
  boxed: (text: string) => {
    const boxed = lastBoxed(text);
    return boxed === undefined ? undefined : boxedContent(boxed);
  },
  /** The last number anywhere. */
  "last-number": lastNumber,
};

export type AnswerForm = keyof typeof extractors;
/** In the order in which `auto` tries them. */
export const answerForms = Object.keys(extractors) as [AnswerForm, ...AnswerForm[]];

/** The answer in one form, or, with `auto`, in the first form that the text has; undefined where there is none. */
export function extractAnswer(text: string, form: AnswerForm | "auto"): string | undefined {
  for (const one of form === "auto" ? answerForms : [form]) {
    const found = extractors[one](text);
    if (found !== undefined) return tidy(found);
  }
  return undefined;
}

/** Unwraps what a marked answer is often wrapped in: emphasis, a math span, a box, the full stop of its sentence. */
export function tidy(answer: string): string {
  const boxed = lastBoxed(answer);
  const content = boxed === undefined ? undefined : boxedContent(boxed);
  if (content !== undefined) return content.trim();
  const bare = strip(strip(answer, " \t\r\n*_`").replace(/\.$/, ""), " \t*_`");
  const math = /^\$([^$]*)\$$/.exec(bare) ?? /^\\\((.*)\\\)$/s.exec(bare);
  return (math?.[1] ?? bare).trim();
}

/** The rest of the line after the last marker that is followed by something. */
function afterLast(text: string, marker: RegExp): string | undefined {
  const lines = text.split(marker).slice(1).map((part) => part.split("\n", 1)[0]!);
  return lines.findLast((line) => strip(line, " \t\r*_`") !== "");
}

/** A loop, because a pattern for the end takes quadratic time on the long runs of blanks that models write. */
function strip(text: string, characters: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text[start]!)) start++;
  while (end > start && characters.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
