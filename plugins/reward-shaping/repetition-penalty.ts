import { registerReward, z } from "@verlet/core";

/** `maxPenalty` · (1 − distinct n-grams / n-grams); 0 for fewer tokens than one n-gram. */
export function repetitionPenalty(ids: readonly number[], ngramSize: number, maxPenalty: number): number {
  const total = ids.length - ngramSize + 1;
  if (total < 1) return 0;
  const distinct = new Set(Array.from({ length: total }, (_, i) => ids.slice(i, i + ngramSize).join(" ")));
  return distinct.size === total ? 0 : maxPenalty * (1 - distinct.size / total);
}

export const repetitionPenaltyReward = registerReward("repetition_penalty", {
  options: z.strictObject({
    ngramSize: z.number().int().min(1).default(3).describe("tokens in an n-gram"),
    maxPenalty: z.number().max(0).default(-1).describe("score of a completion that only repeats"),
  }),
  doc: "maxPenalty * (1 - distinct / all n-grams of the completion's tokens).",
})(({ completionIds }, { options: { ngramSize, maxPenalty } }) => repetitionPenalty(completionIds, ngramSize, maxPenalty));
