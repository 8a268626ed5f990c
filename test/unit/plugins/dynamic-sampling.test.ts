import { expect, test } from "vitest";
import type { ScoredBatch, ScoredRollout } from "@verlet/core";
import { isInformative, sampleInformative } from "@verlet/plugins/algorithm-dapo";
import { readJson } from "../../helpers/fixtures.js";

const rollout = (group: number, score: number | null): ScoredRollout => ({
  prompt: { ids: [1], text: "", row: {} },
  group,
  completionIds: [2],
  completion: "",
  logProbs: new Float32Array(1),
  finished: true,
  score,
  rewards: {},
});

/** Draws that give the listed groups of scores one after the other, with their mean as a metric. */
function draws(batches: number[][][]): { draw: (firstGroup: number) => Promise<ScoredBatch>; calls: number[] } {
  const calls: number[] = [];
  const draw = async (firstGroup: number): Promise<ScoredBatch> => {
    const groups = batches[calls.length]!;
    calls.push(firstGroup);
    const all = groups.flat();
    return { rollouts: groups.flatMap((scores, i) => scores.map((score) => rollout(firstGroup + i, score))), metrics: { reward: all.reduce((a, b) => a + b, 0) / all.length } };
  };
  return { draw, calls };
}

interface FilterFixture {
  cases: { groups: Record<string, number[]>; kept: string[]; dropped: string[] }[];
}

test.each(readJson<FilterFixture>("rewards/dapo_group_filter.json").cases.map((c, i) => [i, c] as const))("verl's group filter, case %i", (_, { groups, kept, dropped }) => {
  const passes = (label: string): boolean => isInformative(groups[label]!.map((score) => rollout(0, score)));
  expect(Object.keys(groups).filter(passes).sort()).toEqual([...kept].sort());
  expect(dropped.some(passes)).toBe(false);
});

test("unscored rows do not make a group informative", () => {
  expect(isInformative([rollout(0, 1), rollout(0, null), rollout(0, 1)])).toBe(false);
  expect(isInformative([rollout(0, 1), rollout(0, null), rollout(0, 0)])).toBe(true);
});

test("draws until the batch is full, numbers the groups on, and reports what it threw away", async () => {
  const { draw, calls } = draws([[[1, 1], [1, 0]], [[0, 0], [0, 0]], [[0, 1], [1, 0]]]);
  const { rollouts, metrics } = await sampleInformative(draw, { prompts: 2, maxRefills: 5 });
  expect(calls).toEqual([0, 2, 4]);
  expect(new Set(rollouts.map(({ group }) => group))).toEqual(new Set([1, 4]));
  expect(metrics).toEqual({
    reward: (0.75 + 0 + 0.5) / 3, // of everything sampled, not only of what was kept
    "dynamic_sampling/refills": 2,
    "dynamic_sampling/groups_sampled": 6,
    "dynamic_sampling/groups_dropped": 3,
    "dynamic_sampling/groups_unused": 1,
  });
});

test("goes on with a smaller batch when the bound is reached", async () => {
  const { draw, calls } = draws([[[1, 1], [1, 0]], [[0, 0], [0, 0]]]);
  const { rollouts } = await sampleInformative(draw, { prompts: 2, maxRefills: 1 });
  expect(calls).toEqual([0, 2]);
  expect(rollouts).toHaveLength(2);
});

test("no group with differing scores at all stops the run and says what to change", async () => {
  const { draw } = draws([[[1, 1], [0, 0]], [[0, 0], [1, 1]]]);
  await expect(sampleInformative(draw, { prompts: 2, maxRefills: 1 })).rejects.toThrow(
    "[dapo] no group of 4 has scores that differ: got 1 refills, expected at least one prompt that is solved sometimes. Use easier or harder prompts, more samples (rollout.numGenerations) or raise algorithm.maxRefills.",
  );
});
