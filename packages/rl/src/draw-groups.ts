import type { Metrics, ScoredBatch, ScoredRollout } from "@verlet/core";
import { meanOf } from "./masked.js";

export interface DrawOptions {
  /** Groups that make up a full batch. */
  groups: number;
  /** Times more may be drawn after the first draw. */
  maxRefills: number;
  /** Whether a group is worth training on, by its rows. */
  keep(rows: readonly ScoredRollout[]): boolean;
}

export interface DrawnGroups {
  /** At most as many as were asked for, in the order they were drawn. */
  kept: ScoredRollout[][];
  dropped: ScoredRollout[][];
  /** Times more were drawn after the first draw. */
  refills: number;
  /** The rewards' metrics, of everything that was sampled, and counts named `dynamic_sampling/…`. */
  metrics: Metrics;
}

/**
 * Draws prompts with their scored completions until enough groups pass, or the bound is reached.
 * @param draw samples and scores a fresh set of prompts, numbered from `firstGroup`; all draws are of equal size
 */
export async function drawGroups(draw: (firstGroup: number) => Promise<ScoredBatch>, { groups, maxRefills, keep }: DrawOptions): Promise<DrawnGroups> {
  const kept: ScoredRollout[][] = [];
  const dropped: ScoredRollout[][] = [];
  const drawn: Metrics[] = [];
  while (kept.length < groups && drawn.length <= maxRefills) {
    const { rollouts, metrics } = await draw(kept.length + dropped.length);
    for (const rows of byGroup(rollouts)) (keep(rows) ? kept : dropped).push(rows);
    drawn.push(metrics);
  }
  const refills = drawn.length - 1;
  return {
    kept: kept.slice(0, groups),
    dropped,
    refills,
    metrics: {
      ...averaged(drawn),
      "dynamic_sampling/refills": refills,
      "dynamic_sampling/groups_sampled": kept.length + dropped.length,
      "dynamic_sampling/groups_dropped": dropped.length,
      "dynamic_sampling/groups_unused": Math.max(0, kept.length - groups),
    },
  };
}

function byGroup(rollouts: readonly ScoredRollout[]): Iterable<ScoredRollout[]> {
  const groups = new Map<number, ScoredRollout[]>();
  for (const rollout of rollouts) groups.set(rollout.group, [...(groups.get(rollout.group) ?? []), rollout]);
  return groups.values();
}

function averaged(draws: readonly Metrics[]): Metrics {
  const names = new Set(draws.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries([...names].map((name) => [name, meanOf(draws.flatMap((metrics) => metrics[name] ?? []))]));
}
