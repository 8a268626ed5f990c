import { listPresets } from "@verlet/config";
import { createManager } from "@verlet/manager";
import { fakeModels, tinyRlConfig } from "@verlet/testing";
import { expect, test } from "vitest";

test.each(listPresets().map(({ name }) => name))("preset %s trains, with finite metrics", async (algorithm) => {
  const config = tinyRlConfig({ algorithm, rollout: { numGenerations: undefined }, trainer: { microBatchSize: 0, maxSteps: 2 } });
  const manager = await createManager(config, { models: fakeModels });
  const { steps, metrics } = await manager.train();
  await manager.dispose();
  expect(steps).toBe(2);
  expect(Object.entries(metrics).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
});
