import { fakeModels, tinyRlConfig, trainerContract } from "@verlet/testing";
import { createManager, loadPlugins } from "verlet";
import { expect, test } from "vitest";

await loadPlugins(["./my-part.ts"], import.meta.dirname);

trainerContract("my-part", { config: tinyRlConfig({ algorithm: "my-part" }) });

test("learns: the reward, half of what can be had at the start, rises", async () => {
  const config = tinyRlConfig({ algorithm: "my-part", optimizer: { learningRate: 0.2 }, trainer: { batchSize: 8, microBatchSize: 0, maxSteps: 20 } });
  const manager = await createManager(config, { models: fakeModels });
  const { metrics } = await manager.train();
  await manager.dispose();
  expect(metrics["reward"]).toBeGreaterThan(0.75);
}, 30_000);
