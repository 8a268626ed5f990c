/** What rewards gave: numbers, histograms, and the rows to look at. */
import type { Metrics, ScoredBatch, ScoredRollout } from "@verlet/core";

export interface Bin {
  from: number;
  to: number;
  count: number;
}

export interface Summary {
  name: string;
  /** Absent for the score, the weighted sum. */
  weight?: number;
  /** Absent where nothing was scored. */
  mean?: number;
  /** Sample standard deviation; absent for fewer than two. */
  std?: number;
  min?: number;
  max?: number;
  /** Rows without a number, those that failed included. */
  unscored: number;
  errors: number;
  histogram: Bin[];
}

export interface OddRow {
  where: string;
  reason: "error" | "null" | "zero";
  score: number | null;
  rewards: Readonly<Record<string, number | null>>;
  failures?: Readonly<Record<string, string>>;
  prompt: string;
  completion: string;
}

export interface RewardReport {
  rows: number;
  score: Summary;
  rewards: Summary[];
  /** What was measured besides: by data source, and what rewards log. */
  metrics: Metrics;
  /** Rows with a reward that failed, then without one of their rewards, then with a score of 0. */
  odd: OddRow[];
}

const BINS = 8;

export function describeScores({ rollouts, metrics }: ScoredBatch, weights: Readonly<Record<string, number>>, where: (rollout: ScoredRollout, i: number) => string): RewardReport {
  const errorsOf = (name: string): number => rollouts.filter(({ failures }) => failures?.[name] !== undefined).length;
  const names = Object.keys(rollouts[0]?.rewards ?? {});
  const told = new Set(["reward", "reward_std", ...names.flatMap((name) => ["mean", "std", "errors"].map((end) => `rewards/${name}/${end}`))]);
  const reasons: readonly OddRow["reason"][] = ["error", "null", "zero"];
  return {
    rows: rollouts.length,
    score: summarise("score", rollouts.map(({ score }) => score)),
    rewards: names.map((name) => ({ ...summarise(name, rollouts.map(({ rewards }) => rewards[name]!), errorsOf(name)), weight: weights[name] ?? 1 })),
    metrics: Object.fromEntries(Object.entries(metrics).filter(([name]) => !told.has(name))),
    odd: rollouts
      .flatMap((rollout, i) => oddRow(rollout, where(rollout, i)) ?? [])
      .sort((a, b) => reasons.indexOf(a.reason) - reasons.indexOf(b.reason)),
  };
}

function oddRow({ score, rewards, failures, prompt, completion }: ScoredRollout, where: string): OddRow | undefined {
  const reason = failures ? "error" : score === null || Object.values(rewards).includes(null) ? "null" : score === 0 ? "zero" : undefined;
  return reason && { where, reason, score, rewards, ...(failures && { failures }), prompt: prompt.text, completion };
}

export function summarise(name: string, values: readonly (number | null)[], errors = 0): Summary {
  const known = values.filter((value) => value !== null);
  const unscored = values.length - known.length;
  if (known.length === 0) return { name, unscored, errors, histogram: [] };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const histogram = histogramOf(known);
  return {
    name,
    mean,
    ...(known.length > 1 && { std: Math.sqrt(squares / (known.length - 1)) }),
    min: histogram[0]!.from,
    max: histogram.at(-1)!.to,
    unscored,
    errors,
    histogram,
  };
}

/** A bin for each value where there are few, otherwise bins of equal width; a bin takes its lower end, the last both. */
export function histogramOf(values: readonly number[]): Bin[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  if (distinct.length <= BINS) return distinct.map((value) => ({ from: value, to: value, count: values.filter((one) => one === value).length }));
  const [low, high] = [distinct[0]!, distinct.at(-1)!];
  const edges = Array.from({ length: BINS + 1 }, (_, i) => (i === BINS ? high : low + ((high - low) * i) / BINS));
  const bins = Array.from({ length: BINS }, (_, i): Bin => ({ from: edges[i]!, to: edges[i + 1]!, count: 0 }));
  for (const value of values) bins.findLast(({ from }) => value >= from)!.count++;
  return bins;
}
