import { registerRewardManager, z } from "@verlet/core";
import { scoreEach, scoreTogether } from "@verlet/data";
import { managerOf } from "./manager-of.js";

const options = z.strictObject({
  concurrency: z.number().int().min(1).default(32).describe("calls of one reward under way at a time, where it takes single samples or a part of the batch"),
});

/** One `scoreBatch` call per reward; a reward that only scores single samples gets them one by one. */
export const batch = registerRewardManager("batch", { options, doc: "Scores all samples of a step in one call of scoreBatch." })(
  ({ concurrency }, container) =>
    managerOf(container, (reward, samples, context) => (reward.reward.scoreBatch ? scoreTogether : scoreEach)(reward, samples, context, concurrency)),
);
