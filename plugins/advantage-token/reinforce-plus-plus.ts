import { registerAdvantage, z } from "@verlet/core";
import { rewardToGo, tokenAdvantages, whiten } from "@verlet/rl";

const options = z.strictObject({
  gamma: z.number().min(0).max(1).default(1).describe("discount of later rewards"),
});

/**
 * REINFORCE++ (Hu 2025; verl `compute_reinforce_plus_plus_outcome_advantage`): discounted rewards to go, whitened over all
 * tokens of the batch. No groups and no critic; goes with `loss.klPlace: reward`.
 */
export const reinforcePlusPlus = registerAdvantage("reinforce_plus_plus", { options, doc: "discounted reward to go, whitened over the batch's tokens" })((input, { gamma }) =>
  tokenAdvantages(input, (tokens) => {
    const returns = rewardToGo(tokens, gamma);
    return { advantages: whiten(returns, tokens.mask), returns };
  }),
);
