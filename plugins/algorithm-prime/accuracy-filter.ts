import type { ScoredBatch, ScoredRollout } from "@verlet/core";
import { drawGroups, meanOf } from "@verlet/rl";

export interface AccuracyFilter {
  /** Prompts that make up a batch. */
  prompts: number;
  /** At most this many times as many prompts are sampled. */
  oversample: number;
  /** Groups whose mean outcome lies in [lowest, highest] are wanted. */
  lowest: number;
  highest: number;
  /** Groups with a completion that ran into the length limit are not. */
  dropTruncated: boolean;
}

/**
 * PRIME's online prompt filter (Cui et al. 2025, §4.3): groups that are solved sometimes come first. As in verl's recipe the
 * batch is filled with the other groups when there are too few, in the order they were drawn, so it is always whole; the
 * recipe samples `oversample` batches each time, this stops as soon as one is full.
 * @param draw samples and scores a batch of prompts, numbered from `firstGroup`
 */
export async function sampleByAccuracy(draw: (firstGroup: number) => Promise<ScoredBatch>, { prompts, oversample, lowest, highest, dropTruncated }: AccuracyFilter): Promise<ScoredBatch> {
  const isWanted = (rows: readonly ScoredRollout[]): boolean => {
    const scores = rows.flatMap(({ score }) => (score === null ? [] : [score]));
    if (scores.length === 0 || (dropTruncated && rows.some(({ finished }) => !finished))) return false;
    const accuracy = meanOf(scores);
    return accuracy >= lowest && accuracy <= highest;
  };
  const { kept, dropped, metrics } = await drawGroups(draw, { groups: prompts, maxRefills: oversample - 1, keep: isWanted });
  const filling = dropped.slice(0, prompts - kept.length);
  return { rollouts: [...kept, ...filling].flat(), metrics: { ...metrics, "dynamic_sampling/groups_filled": filling.length } };
}
