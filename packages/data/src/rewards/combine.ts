/** Weighs rewards into one score a row and measures them. */
import type { ConfiguredReward, Metrics, Rollout, ScoredBatch, ScoredRollout } from "@verlet/core";
import type { RewardValues } from "./run-reward.js";
import { dataSourceOf } from "./verl-columns.js";

/**
 * A row's score is the sum of weight · reward over the rewards that could be computed, null where none could; `finish`
 * may then change the row, before scores are measured.
 *
 * Metrics as in TRL's GRPOTrainer: mean and standard deviation (n − 1) over all scored rows of the batch. Besides:
 * - `rewards/<name>/<source>/mean` for each source, where the batch holds rows of more than one `data_source` (or
 *   `dataSource`) column value; a source's name is taken as it is written, slashes included (`rewards/accuracy/openai/gsm8k/mean`);
 * - `rewards/<name>/extra/<key>`, the mean of what the reward logged under that key;
 * - `rewards/<name>/errors`, the samples it failed on, unless that stops the run.
 *
 * A metric without enough rows to compute it is left out.
 */
export function combineRewards(
  rollouts: readonly Rollout[],
  rewards: readonly ConfiguredReward[],
  results: readonly RewardValues[],
  finish: (row: ScoredRollout, index: number) => ScoredRollout = (row) => row,
): ScoredBatch {
  const names = uniqueNames(rewards.map(({ name }) => name));
  const scored = rollouts.map((rollout, row): ScoredRollout => {
    const values = results.map((result) => result.values[row]!);
    const failures = results.flatMap((result, k) => (result.failures.has(row) ? [[names[k]!, result.failures.get(row)!.message] as const] : []));
    const whole: ScoredRollout = {
      ...rollout,
      score: weigh(rewards, values),
      rewards: Object.fromEntries(names.map((name, k) => [name, values[k]!])),
      ...(failures.length > 0 && { failures: Object.fromEntries(failures) }),
    };
    return finish(whole, row);
  });
  const metrics: Metrics = {};
  const sources = sourcesOf(rollouts);
  results.forEach(({ values, failures, logged }, k) => {
    const name = `rewards/${names[k]}`;
    measure(metrics, `${name}/mean`, `${name}/std`, values);
    for (const [source, rows] of sources) addMean(metrics, `${name}/${source}/mean`, rows.map((row) => values[row]!));
    for (const [key, numbers] of logged) addMean(metrics, `${name}/extra/${key}`, numbers);
    if (rewards[k]!.onError !== "raise") metrics[`${name}/errors`] = failures.size;
  });
  measure(metrics, "reward", "reward_std", scored.map(({ score }) => score));
  return { rollouts: scored, metrics };
}

/** Σ weight · value over the values that are known; null where none is. */
export function weigh(rewards: readonly ConfiguredReward[], values: readonly (number | null)[]): number | null {
  const known = values.flatMap((value, k) => (value === null ? [] : [rewards[k]!.weight * value]));
  return known.length === 0 ? null : sum(known);
}

/** The mean of the numbers there are; none without any. */
export function addMean(metrics: Metrics, name: string, values: readonly (number | null)[]): void {
  const known = values.filter((value) => value !== null);
  if (known.length > 0) metrics[name] = sum(known) / known.length;
}

/** The second reward of one name becomes `name#2`. */
function uniqueNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    const earlier = names.slice(0, i).filter((other) => other === name).length;
    return earlier === 0 ? name : `${name}#${earlier + 1}`;
  });
}

/** The rows of each data source; empty unless there are two or more. */
function sourcesOf(rollouts: readonly Rollout[]): Map<string, number[]> {
  const sources = new Map<string, number[]>();
  rollouts.forEach(({ prompt }, row) => {
    const source = dataSourceOf(prompt.row);
    if (source !== undefined) sources.set(source, [...(sources.get(source) ?? []), row]);
  });
  return sources.size > 1 ? sources : new Map();
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
