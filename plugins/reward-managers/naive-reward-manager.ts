import { registerRewardManager, z } from "@verlet/core";
import { scoreEach, scoreTogether } from "@verlet/data";
import { managerOf } from "./manager-of.js";
import type { RunReward } from "./manager-of.js";

export const naiveOptions = z.strictObject({
  concurrency: z.number().int().min(1).default(32).describe("calls of one asynchronous reward under way at a time"),
});

/** One call per sample; a reward that only takes whole batches gets the whole batch. */
export function sampleBySample(concurrency: number): RunReward {
  return (reward, samples, context) => (reward.reward.score ? scoreEach : scoreTogether)(reward, samples, context, concurrency);
}

export const naive = registerRewardManager("naive", { options: naiveOptions, doc: "Scores sample by sample, asynchronous rewards side by side." })(
  ({ concurrency }, container) => managerOf(container, sampleBySample(concurrency)),
);
