import { registerReward, z } from "@verlet/core";
import type { RewardSample } from "@verlet/core";
import { requireAnswer } from "@verlet/data";
import { answerForms, extractAnswer, tidy } from "./extract-answer.js";
import { normalizeMath } from "./math-normalize.js";
import { closeTo, firstNumber, parseNumber } from "./numbers.js";

export const accuracyOptions = z.strictObject({
  extract: z
    .enum(["auto", ...answerForms])
    .default("auto")
    .describe("where the answer stands; auto tries hash (`#### x`), final-answer (`Final Answer: x`), boxed and last-number in this order"),
  tolerance: z.number().min(0).default(1e-4).describe("how far a number may be off: |x - answer| <= tolerance * max(1, |answer|)"),
  requireStop: z.boolean().default(false).describe("0 for a completion that did not end by itself"),
});

export type AccuracyOptions = z.infer<typeof accuracyOptions>;

/**
 * The right answer out of its column: a number, a text, or a whole solution that marks its answer (`… #### 72`).
 * Undefined where there is nothing to compare with.
 */
export function readAnswer(value: unknown): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const marked = extractAnswer(value, "hash") ?? extractAnswer(value, "final-answer");
  return marked ?? tidy(value);
}

/**
 * True when the two are the same number within the tolerance or, where the right one is no number, the same text: as
 * LaTeX, or letter for letter without regard to case and spaces.
 */
export function sameAnswer(found: string, right: string, tolerance: number): boolean {
  const number = parseNumber(right);
  if (number === undefined) return normalizeMath(found) === normalizeMath(right) || fold(found) === fold(right);
  const value = numberIn(found);
  return value !== undefined && closeTo(value, number, tolerance);
}

/** The text as a number, or the first number after its last equals sign: `x = 5 apples` is 5. */
function numberIn(text: string): number | undefined {
  const value = text.split("=").at(-1)!;
  return parseNumber(value) ?? firstNumber(value);
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** Whether the completion's final answer is right; null when the row's own answer is empty or neither text nor number. */
export function judgeAnswer(sample: RewardSample, { extract, tolerance, requireStop }: AccuracyOptions): boolean | null {
  const right = readAnswer(requireAnswer(sample));
  if (right === undefined) return null;
  if (requireStop && !sample.finished) return false;
  const found = extractAnswer(sample.completion, extract);
  return found !== undefined && sameAnswer(found, right, tolerance);
}

export const accuracy = registerReward("accuracy", {
  options: accuracyOptions,
  doc: "1 when the completion's final answer equals the row's answer, as a number within a tolerance or as text, else 0.",
})((sample, { options }) => {
  const right = judgeAnswer(sample, options);
  return right === null ? null : Number(right);
});
