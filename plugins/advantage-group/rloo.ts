import { registerAdvantage } from "@verlet/core";
import { groupAdvantages } from "@verlet/rl";

/**
 * A = r − mean of the other rows of the group (Ahmadian et al. 2024; verl `compute_rloo_outcome_advantage`),
 * which is n / (n − 1) · (r − mean). A group of one gets 0, as in verl's vectorised form; its plain one gives the raw score.
 */
export const rloo = registerAdvantage("rloo", { needs: { leastGroupSize: 2 }, doc: "score minus the mean of the group's other scores" })(
  (input) =>
    groupAdvantages(input, (scores) => {
      const total = scores.reduce((a, b) => a + b, 0);
      return scores.map((score) => score - (total - score) / (scores.length - 1));
    }),
);
