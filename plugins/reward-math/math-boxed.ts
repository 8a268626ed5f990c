import { registerReward, z } from "@verlet/core";
import { requireAnswer } from "@verlet/data";
import { boxedContent, lastBoxed } from "./boxed.js";
import { normalizeMath } from "./math-normalize.js";

/** 1 when the last boxed expression equals the answer after normalisation, else 0: verl's scorer for MATH. */
export function scoreMathBoxed(completion: string, answer: string): number {
  const boxed = lastBoxed(completion);
  const content = boxed === undefined ? undefined : boxedContent(boxed);
  return content !== undefined && normalizeMath(content) === normalizeMath(answer) ? 1 : 0;
}

export const mathBoxed = registerReward("math_boxed", {
  options: z.strictObject({}),
  doc: "1 when the last \\boxed{…} equals the answer as LaTeX, else 0 (verl's MATH scorer).",
})((sample) => scoreMathBoxed(sample.completion, String(requireAnswer(sample))));
