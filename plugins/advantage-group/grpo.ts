import { registerAdvantage, z } from "@verlet/core";
import { groupAdvantages, meanOf, sampleStd } from "@verlet/rl";

const options = z.strictObject({
  epsilon: z.number().nonnegative().default(1e-4).describe("added to the group's standard deviation (TRL 1e-4, verl 1e-6)"),
});

/**
 * A = (r − mean) / (std + ε) within each group, std with n − 1 (Shao et al. 2024, eq. 4; verl `compute_grpo_outcome_advantage`).
 * Without the division it is `drgrpo`: verl has a flag for that, which its trainer does not pass on to `grpo_vectorized`.
 * Groups of one and of equal scores get 0: see `compareGroups`.
 */
export const grpo = registerAdvantage("grpo", { options, needs: { leastGroupSize: 2 }, doc: "score minus the group's mean, over its standard deviation" })(
  (input, { epsilon }) =>
    groupAdvantages(input, (scores) => {
      const mean = meanOf(scores);
      const scale = sampleStd(scores) + epsilon;
      return scores.map((score) => (score - mean) / scale);
    }),
);
