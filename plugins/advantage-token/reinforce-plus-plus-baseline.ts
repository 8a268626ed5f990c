import { registerAdvantage } from "@verlet/core";
import { compareGroups, meanOf, whitenedGroupAdvantages } from "@verlet/rl";

/**
 * REINFORCE++-baseline (Hu 2025; verl `compute_reinforce_plus_plus_baseline_outcome_advantage`): score minus the group's mean
 * on every token, whitened over the batch's tokens. verl takes a group of one at its raw score; here it gets 0.
 */
export const reinforcePlusPlusBaseline = registerAdvantage("reinforce_plus_plus_baseline", { needs: { leastGroupSize: 2 }, doc: "score minus the group's mean, whitened over the batch's tokens" })(
  (input) =>
    whitenedGroupAdvantages(
      input,
      compareGroups(input, (scores) => {
        const mean = meanOf(scores);
        return scores.map((score) => score - mean);
      }),
    ),
);
