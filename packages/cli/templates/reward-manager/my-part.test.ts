import { configuredReward, createRewardManager, rewardManagerContract, rewardRollout, scoringContext } from "@verlet/testing";
import { loadPlugins } from "verlet";
import { expect, test } from "vitest";

await loadPlugins(["./my-part.ts"], import.meta.dirname);

rewardManagerContract("my-part");

test("no reward counts more than the limit, and the weight comes after it", async () => {
  const length = configuredReward("length", { score: ({ completion }) => completion.length }, { weight: 0.5 });
  const manager = createRewardManager("my-part", [length], { limit: 3 });
  const { rollouts } = await manager.score([rewardRollout("ab"), rewardRollout("abcdef")], scoringContext);
  expect(rollouts.map(({ score }) => score)).toEqual([1, 1.5]); // 2 · 0.5, and 6 cut off at 3 · 0.5
});
