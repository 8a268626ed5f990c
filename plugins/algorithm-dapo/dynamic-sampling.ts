import { TrainingError, type ScoredBatch, type ScoredRollout } from "@verlet/core";
import { allEqual, drawGroups } from "@verlet/rl";

/** Whether a group's scores differ: otherwise it has no advantage anywhere. A group of one is kept, as verl keeps it. */
export function isInformative(rows: readonly ScoredRollout[]): boolean {
  const scores = rows.flatMap(({ score }) => (score === null ? [] : [score]));
  return rows.length === 1 || (scores.length > 1 && !allEqual(scores));
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
  const { kept, dropped, refills, metrics } = await drawGroups(draw, { groups: prompts, maxRefills, keep: isInformative });
  if (kept.length === 0) {
    throw new TrainingError({
      where: "dapo",
      what: `no group of ${dropped.length} has scores that differ`,
      got: `${refills} refills`,
      expected: "at least one prompt that is solved sometimes",
      fix: "Use easier or harder prompts, more samples (rollout.numGenerations) or raise algorithm.maxRefills",
    });
  }
  return { rollouts: kept.flat(), metrics };
}
