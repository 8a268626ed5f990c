import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createManager } from "@verlet/manager";
import { expect, test } from "vitest";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, metricsOf } from "./fake-run.js";

test("overrides of one run are its own: the next has the configuration's keys again", async () => {
  const folder = tempFolder();
  const manager = await createManager(fakeConfig(folder), { models: fakeModels });
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  const first = await manager.train({ outputDir: a, overrides: ["trainer.maxSteps=3", "optimizer.learningRate=0.5", "trainer.saveEvery=2"] });
  const second = await manager.train({ outputDir: b });
  await manager.dispose();
  expect([first.steps, second.steps]).toEqual([3, 8]);
  expect(metricsOf(a)[0]!.learning_rate).toBe(0.5);
  expect(metricsOf(b)[0]!.learning_rate).toBe(0.1);
  expect(readFileSync(join(a, "config.resolved.yaml"), "utf8")).toContain("saveEvery: 2");
});

test("a wrong one, and one of what is loaded already, are errors", async () => {
  const folder = tempFolder();
  const manager = await createManager(fakeConfig(folder), { models: fakeModels });
  await expect(manager.train({ overrides: ["trainer.maxStep=3"] })).rejects.toThrow("unknown key in trainer: got `maxStep`");
  await expect(manager.train({ overrides: ["model.path=other"] })).rejects.toThrow(
    "[train] overrides of one run cannot change `model`: expected keys of data, rollout, advantage, loss, optimizer and trainer. Give it to createManager.",
  );
  await manager.dispose();
});
