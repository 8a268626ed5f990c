import { registerAdvantage, z } from "@verlet/core";
import { groupAdvantages, sampleStd } from "@verlet/rl";

const options = z.strictObject({
  normalize: z.boolean().default(true).describe("divide by the group's standard deviation"),
  epsilon: z.number().nonnegative().default(1e-6).describe("added to the standard deviation"),
});

/**
 * Only the best row of a group is pushed, by what it adds to the group's maximum: A = (best − second best) / (std + ε), 0 for
 * all others (Tang et al. 2025, arXiv 2503.19595; verl `compute_grpo_passk_outcome_advantage`, which raises on groups of
 * one, where this gives 0).
 */
export const grpoPassk = registerAdvantage("grpo_passk", { options, needs: { leastGroupSize: 2 }, doc: "the best row of a group gets its lead over the second best, the others nothing" })(
  (input, { normalize, epsilon }) =>
    groupAdvantages(input, (scores) => {
      const [best, second] = scores.toSorted((a, b) => b - a) as [number, number];
      const lead = (best - second) / (normalize ? sampleStd(scores) + epsilon : 1);
      return scores.map((score) => (score === best ? lead : 0)); // where several are best the lead is 0
    }),
);
