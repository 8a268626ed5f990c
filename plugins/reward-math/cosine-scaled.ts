import { registerReward, z } from "@verlet/core";
import { accuracyOptions, judgeAnswer } from "./accuracy.js";

const options = accuracyOptions.extend({
  maxLength: z.number().int().min(1).describe("tokens at which a right answer has fallen to its least score and a wrong one has risen to its best"),
  correct: z
    .strictObject({ short: z.number(), long: z.number() })
    .default({ short: 1, long: 0.5 })
    .describe("scores of a right answer, of no length and of maxLength"),
  wrong: z
    .strictObject({ short: z.number(), long: z.number() })
    .default({ short: -1, long: -0.5 })
    .describe("scores of a wrong answer, of no length and of maxLength"),
});

/** From `short` at length 0 to `long` at `maxLength` and beyond, along half a cosine (Yeo et al. 2025; TRL's get_cosine_scaled_reward). */
export function cosineScaled(length: number, maxLength: number, { short, long }: { short: number; long: number }): number {
  return long + ((short - long) / 2) * (1 + Math.cos(Math.PI * Math.min(1, length / maxLength)));
}

/** Right answers score more when short, wrong ones less: think longer when in doubt. Null as `accuracy`. */
export const cosineScaledReward = registerReward("cosine_scaled", {
  options,
  doc: "accuracy scaled by length: a right answer scores best when short, a wrong one worst.",
})((sample, context) => {
  const { maxLength, correct, wrong, ...judging } = context.options;
  const right = judgeAnswer(sample, judging);
  return right === null ? null : cosineScaled(sample.completionIds.length, maxLength, right ? correct : wrong);
});
