import { registerAdvantage, z } from "@verlet/core";
import { groupAdvantages, meanOf } from "@verlet/rl";

const options = z.strictObject({
  fNorm: z.number().gt(0).default(1).describe("divisor of every advantage"),
});

/**
 * A = α · (r − mean of the group) / fNorm, α = rows / rows whose score is not 0, over the batch's scored rows (Chu et al. 2025,
 * GPG; verl `compute_gpg_outcome_advantage`). α makes up for rows that carry no reward.
 */
export const gpg = registerAdvantage("gpg", { options, needs: { leastGroupSize: 2 }, doc: "score minus the group's mean, scaled up by the share of rows without a reward" })(
  (input, { fNorm }) => {
    const scored = input.scores.filter((score) => !Number.isNaN(score));
    const alpha = scored.length / Math.max(1, scored.filter((score) => score !== 0).length);
    return groupAdvantages(input, (scores) => {
      const mean = meanOf(scores);
      return scores.map((score) => (alpha * (score - mean)) / fNorm);
    });
  },
);
