import { registerAdvantage, z } from "@verlet/core";
import { compareGroups, meanOf, neededInput, sampleStd, whitenedGroupAdvantages, type GroupRule } from "@verlet/rl";

const options = z.strictObject({
  normalize: z.boolean().default(true).describe("divide each reward by its standard deviation in the group"),
  epsilon: z.number().nonnegative().default(1e-6).describe("added to that standard deviation"),
});

/**
 * Normalise, then sum: each reward is compared within the group by itself as in GRPO, so that none drowns in another's
 * spread; A = Σ weight · A_reward, whitened over the batch's tokens (Liu et al. 2026, GDPO; verl `compute_gdpo_outcome_advantage`;
 * `grpo` on the weighted sum is the other order). The weights are those of the rewards section. A reward that could not be
 * computed for a row adds nothing there, as in TRL's `normalize_then_sum`, which whitens over rows where verl and this do
 * over tokens. verl takes groups of one at their raw reward; here they get 0.
 */
export const gdpo = registerAdvantage("gdpo", { options, needs: { leastGroupSize: 2, perRewardScores: true }, doc: "each reward normalised within the group by itself, then their weighted sum, whitened" })(
  (input, { normalize, epsilon }) => {
    const rule: GroupRule = (scores) => {
      const mean = meanOf(scores);
      const scale = normalize ? sampleStd(scores) + epsilon : 1;
      return scores.map((score) => (score - mean) / scale);
    };
    const parts = neededInput(input, "rewardScores", "gdpo").map(({ weight, scores }) => ({ weight, ...compareGroups({ scores, groups: input.groups }, rule) }));
    return whitenedGroupAdvantages(input, {
      rows: input.scores.map((_, row) => parts.reduce((sum, { weight, rows }) => sum + weight * rows[row]!, 0)),
      compared: Array.from(input.scores, (_, row) => parts.some(({ compared }) => compared[row])),
    });
  },
);
