/** Weighs rewards into one score a row and measures them. */
import type { ConfiguredReward, Metrics, Rollout, ScoredBatch, ScoredRollout } from "@verlet/core";
import type { RewardValues } from "./run-reward.js";

/**
 * A row's score is the sum of weight · reward over the rewards that could be computed, null where none could.
 * Metrics as in TRL's GRPOTrainer: mean and standard deviation (n − 1) over all scored rows of the batch. A metric
 * without enough rows to compute it is left out.
 */
export function combineRewards(rollouts: readonly Rollout[], rewards: readonly ConfiguredReward[], results: readonly RewardValues[]): ScoredBatch {
  const names = uniqueNames(rewards.map(({ name }) => name));
  const scored = rollouts.map((rollout, row): ScoredRollout => {
    const values = results.map(({ values }) => values[row]!);
    const known = values.flatMap((value, k) => (value === null ? [] : [rewards[k]!.weight * value]));
    return {
      ...rollout,
      score: known.length === 0 ? null : sum(known),
      rewards: Object.fromEntries(names.map((name, k) => [name, values[k]!])),
    };
  });
  const metrics: Metrics = {};
  results.forEach(({ values, errors }, k) => {
    const name = `rewards/${names[k]}`;
    measure(metrics, `${name}/mean`, `${name}/std`, values);
    if (rewards[k]!.onError === "skip") metrics[`${name}/errors`] = errors;
  });
  measure(metrics, "reward", "reward_std", scored.map(({ score }) => score));
  return { rollouts: scored, metrics };
}

/** The second reward of one name becomes `name#2`. */
function uniqueNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const earlier = names.slice(0, i).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}#${earlier + 1}`;
  });
}

function measure(metrics: Metrics, meanName: string, stdName: string, values: readonly (number | null)[]): void {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return;
  const mean = sum(known) / known.length;
  metrics[meanName] = mean;
  if (known.length > 1) metrics[stdName] = Math.sqrt(sum(known.map((value) => (value - mean) ** 2)) / (known.length - 1));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
