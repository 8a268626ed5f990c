import { registerReward, z } from "@verlet/core";
import { requireAnswer } from "@verlet/data";
import { isBalanced } from "./brackets.js";
import { answerPlaces, finalAnswer } from "./final-answer.js";
import { sameAnswer } from "./same-answer.js";
import { normalise } from "./spelling.js";

const options = z.strictObject({
  extract: z
    .enum(answerPlaces)
    .default("auto")
    .describe("where the answer stands; boxed: the last \\boxed{…}; marked: that, else after `####`, `Answer:` or `answer is`; auto: else also a bare line, formula or number"),
  tolerance: z.number().min(0).default(1e-6).describe("how far off, relative to the answer, a number may be when either is written with a decimal point; others must be exact"),
  afterThink: z.boolean().default(true).describe("look only behind the last </think>; a <think> left open has no answer yet"),
  requireStop: z.boolean().default(false).describe("0 for a completion that did not end by itself"),
});

/**
 * The right answers out of their column, normalised: a number, a text (also a solution that boxes or marks its answer) or a list
 * of these. Empty where none can be read: neither text nor number, without letter, digit or ∅, or with brackets that do not close.
 */
export function rightAnswers(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => {
    const text = typeof one === "number" && Number.isFinite(one) ? String(one) : typeof one === "string" ? one : "";
    const answer = normalise(finalAnswer(text, "marked") ?? text);
    const readable = /[\p{L}\p{N}]/u.test(answer) && (isBalanced(answer) || /^\].*\[$/s.test(answer));
    return readable ? [answer] : [];
  });
}

/** What is searched for the answer; undefined while the model still thinks. */
function answerPart(completion: string): string | undefined {
  const rest = completion.split("</think>").at(-1)!;
  return rest.includes("<think>") ? undefined : rest;
}

/** 1 when the final answer is the right one in any form, else 0; null when no right answer can be read. */
export const math = registerReward("math", {
  options,
  doc: "1 when the final answer equals the row's answer as mathematics (numbers, units, sets, intervals, expressions), else 0.",
})((sample, { options: { extract, tolerance, afterThink, requireStop } }) => {
  const right = rightAnswers(requireAnswer(sample));
  if (right.length === 0) return null;
  const part = afterThink ? answerPart(sample.completion) : sample.completion;
  const found = part === undefined || (requireStop && !sample.finished) ? undefined : finalAnswer(part, extract);
  if (found === undefined) return 0;
  const answer = normalise(found);
  return right.some((one) => sameAnswer(answer, one, tolerance)) ? 1 : 0;
});
