import { registerAdvantage } from "@verlet/core";
import { groupAdvantages, meanOf } from "@verlet/rl";

/**
 * A = r − mean within each group, without the division that favours easy and hard questions (Liu et al. 2025, Dr. GRPO).
 * The paper's loss goes with `loss.aggregation: seq-mean-token-sum-norm`.
 */
export const drgrpo = registerAdvantage("drgrpo", { needs: { leastGroupSize: 2 }, doc: "score minus the group's mean, not divided by its deviation" })(
  (input) =>
    groupAdvantages(input, (scores) => {
      const mean = meanOf(scores);
      return scores.map((score) => score - mean);
    }),
);
