import { registerAdvantage } from "@verlet/core";
import { neededInput, rewardToGo, tokenAdvantages } from "@verlet/rl";

/**
 * ReMax (Li et al. 2024; verl `compute_remax_outcome_advantage`): reward to go minus the score of the prompt's greedy
 * completion. Works with one sample a prompt. A row whose greedy completion could not be scored has no baseline and gets 0,
 * counted by `advantage/rows_without_baseline`.
 */
export const remax = registerAdvantage("remax", { needs: { greedyBaseline: true }, doc: "reward to go minus the score of the prompt's greedy completion" })((input) =>
  tokenAdvantages(input, (tokens) => {
    const baselines = neededInput(input, "greedyScores", "remax");
    const returns = rewardToGo(tokens);
    const baselineOf = (i: number): number => baselines[Math.floor(i / tokens.width)]!;
    return {
      advantages: returns.map((value, i) => (Number.isNaN(baselineOf(i)) ? 0 : value - baselineOf(i))),
      returns,
      metrics: { "advantage/rows_without_baseline": baselines.filter(Number.isNaN).length },
    };
  }),
);
