import { RewardError, type ScoredRollout } from "@verlet/core";

/**
 * The scores as outcomes y in [0, 1], which the reward model learns to predict; NaN for rows that could not be scored.
 * @throws RewardError on a score outside.
 */
export function outcomesOf(rollouts: readonly ScoredRollout[]): Float32Array {
  return Float32Array.from(rollouts, ({ score, completion, rewards }) => {
    if (score === null) return NaN;
    if (score >= 0 && score <= 1) return score;
    throw new RewardError({
      where: "algorithm prime",
      what: "a score is no outcome",
      got: `${score} (${Object.entries(rewards).map(([name, value]) => `${name} ${value}`).join(", ")}) for ${JSON.stringify(completion.slice(0, 80))}`,
      expected: "a number from 0 (wrong) to 1 (right)",
      fix: "Keep one reward that says right or wrong, such as accuracy, or weights that keep the sum in that range",
    });
  });
}
