import { registerReward, z } from "@verlet/core";
import { requireAnswer } from "@verlet/data";
import { boxedContent, lastBoxed } from "./boxed.js";

/** Only so many characters from the end are searched; a box only in the shorter one. */
const TAIL = 300;
const BOX_TAIL = 100;

/** Replaced in this order. Both tables are those of Minerva (Lewkowycz et al. 2022, appendix D.1), which verl's DAPO scorer uses. */
const REPLACED: readonly (readonly [string, string])[] = [
  ["an ", ""],
  ["a ", ""],
  [".$", "$"],
  ["\\$", ""],
  ["\\ ", ""],
  [" ", ""],
  ["mbox", "text"],
  [",\\text{and}", ","],
  ["\\text{and}", ","],
  ["\\text{m}", "\\text{}"],
];

// prettier-ignore
const REMOVED: readonly string[] = [
  "square", "ways", "integers", "dollars", "mph", "inches", "hours", "km", "units", "\\ldots", "sue", "points", "feet",
  "minutes", "digits", "cents", "degrees", "cm", "gm", "pounds", "meters", "meals", "edges", "students", "childrentickets",
  "multiples", "\\text{s}", "\\text{.}", "\\text{\ns}", "\\text{}^2", "\\text{}^3", "\\text{\n}", "\\text{}", "\\mathrm{th}",
  "^\\circ", "^{\\circ}", "\\;", ",\\!", "{,}", '"', "\\dots",
];

/** The spelling in which DAPO compares answers. */
export function normalizeDapo(answer: string): string {
  let text = answer.split("=").at(-1)!;
  for (const [from, to] of REPLACED) text = text.replaceAll(from, to);
  for (const word of REMOVED) text = text.replaceAll(word, "");
  text = text
    .replace(/.*?\$(.*?)\$.*/g, "$$$1")
    .replace(/\\(?:text|textbf|overline)\{(.*?)\}/g, "$1")
    .replace(/\\boxed\{(.*)\}/g, "$1")
    .replace(/frac([^{])(.)/g, "frac{$1}{$2}")
    .replace(/sqrt([^{])/g, "sqrt{$1}")
    .replaceAll("$", "");
  const digits = text.replaceAll(",", "");
  return (/^\d+$/.test(digits) ? digits : text).trim();
}

export interface DapoScore {
  correct: boolean;
  /** What was found; `[INVALID]` or null where nothing was. */
  prediction: string | null;
}

/** Compares the last `Answer:` line, or where there is none the last box, with the answer. */
export function judgeDapo(completion: string, answer: string, strictBox: boolean): DapoScore {
  const points = [...completion];
  const box = lastBoxed(points.slice(-BOX_TAIL).join(""));
  const boxed = box === undefined ? undefined : boxedContent(box);
  if (strictBox) return { correct: boxed === answer, prediction: boxed ?? null };
  const line = [...points.slice(-TAIL).join("").matchAll(/Answer\s*:\s*([^\n]+)/gi)].at(-1)?.[1];
  if (line === undefined && boxed !== undefined) return { correct: boxed === answer, prediction: boxed };
  const prediction = normalizeDapo(line ?? "[INVALID]");
  return { correct: prediction === normalizeDapo(answer), prediction };
}

export const mathDapo = registerReward("math_dapo", {
  options: z.strictObject({
    strictBox: z.boolean().default(false).describe("take the answer from the last \\boxed{…} alone"),
  }),
  doc: "1 when the last `Answer:` line is right, else -1 (verl's DAPO scorer).",
})((sample, { options }) => (judgeDapo(sample.completion, String(requireAnswer(sample)), options.strictBox).correct ? 1 : -1));
