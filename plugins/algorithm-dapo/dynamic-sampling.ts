import { TrainingError, type Metrics, type ScoredBatch, type ScoredRollout } from "@verlet/core";
import { allEqual, meanOf } from "@verlet/rl";

/** Groups whose scores differ: the others have no advantage anywhere. A group of one is kept, as verl keeps it. */
export function informativeGroups(rollouts: readonly ScoredRollout[]): { kept: ScoredRollout[]; groups: number; dropped: number } {
  const byGroup = new Map<number, ScoredRollout[]>();
  for (const rollout of rollouts) byGroup.set(rollout.group, [...(byGroup.get(rollout.group) ?? []), rollout]);
  const informative = [...byGroup.values()].filter((rows) => {
    const scores = rows.flatMap(({ score }) => (score === null ? [] : [score]));
    return rows.length === 1 || (scores.length > 1 && !allEqual(scores));
  });
  return { kept: informative.flat(), groups: informative.length, dropped: byGroup.size - informative.length };
}

export interface DynamicSampling {
  /** Prompts that make up a full batch. */
  prompts: number;
  /** Times prompts may be drawn again after the first draw. */
  maxRefills: number;
}

/**
 * DAPO's dynamic sampling (Yu et al. 2025, §3.2): draws prompts until enough groups have differing scores.
 * Bounded: after `maxRefills` the step goes on with the groups there are, and stops the run only when there is none.
 * @param draw samples and scores a fresh set of prompts, numbered from `firstGroup`
 */
export async function sampleInformative(draw: (firstGroup: number) => Promise<ScoredBatch>, { prompts, maxRefills }: DynamicSampling): Promise<ScoredBatch> {
  const kept: ScoredRollout[] = [];
  const drawn: Metrics[] = [];
  let groups = 0;
  let dropped = 0;
  let total = 0;
  let refills = -1;
  while (groups < prompts && refills < maxRefills) {
    refills += 1;
    const { rollouts, metrics } = await draw(total);
    const informative = informativeGroups(rollouts);
    kept.push(...informative.kept);
    drawn.push(metrics);
    groups += informative.groups;
    dropped += informative.dropped;
    total += informative.groups + informative.dropped;
  }
  if (groups === 0) {
    throw new TrainingError({
      where: "dapo",
      what: `no group of ${total} has scores that differ`,
      got: `${refills} refills`,
      expected: "at least one prompt that is solved sometimes",
      fix: "Use easier or harder prompts, more samples (rollout.numGenerations) or raise algorithm.maxRefills",
    });
  }
  const wanted = new Set([...new Set(kept.map(({ group }) => group))].slice(0, prompts));
  return {
    rollouts: kept.filter(({ group }) => wanted.has(group)),
    metrics: {
      ...averaged(drawn),
      "dynamic_sampling/refills": refills,
      "dynamic_sampling/groups_sampled": total,
      "dynamic_sampling/groups_dropped": dropped,
      "dynamic_sampling/groups_unused": groups - wanted.size,
    },
  };
}

/** Reward metrics are of everything that was sampled, not only of what was kept: draws are of equal size. */
function averaged(draws: readonly Metrics[]): Metrics {
  const names = new Set(draws.flatMap((metrics) => Object.keys(metrics)));
  return Object.fromEntries([...names].map((name) => [name, meanOf(draws.flatMap((metrics) => metrics[name] ?? []))]));
}
