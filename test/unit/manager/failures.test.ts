import { readdirSync } from "node:fs";
import { join } from "node:path";
import { registry, TrainingError, type RunLogger } from "@verlet/core";
import { createManager } from "@verlet/manager";
import { afterEach, describe, expect, it } from "vitest";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, metricsOf, Recorder, trainFake } from "./fake-run.js";

const checkpoints = (folder: string): string[] => readdirSync(join(folder, "out/checkpoints"));

afterEach(() => {
  expect(registry.isClosed).toBe(false);
});

describe("a failing run", () => {
  it("stops at a NaN loss with the step, what to try and the last good checkpoint", async () => {
    const folder = tempFolder();
    const run = trainFake(fakeConfig(folder, { algorithm: { nanAt: 5 }, trainer: { saveEvery: 2 } }));
    await expect(run).rejects.toThrow(TrainingError);
    await expect(run).rejects.toThrow(
      /\[step 5\] training has diverged: got loss NaN, expected finite numbers\. Lower optimizer\.learningRate \(0\.1\), .* The last good checkpoint is .*step-000004\./,
    );
    expect(checkpoints(folder)).toEqual(["step-000002", "step-000004"]);
    expect(metricsOf(join(folder, "out")).map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  it("says when there is no checkpoint to go back to", async () => {
    await expect(trainFake(fakeConfig(tempFolder(), { algorithm: { nanAt: 1 } }))).rejects.toThrow(/No checkpoint was saved before it; set trainer\.saveEvery/);
  });

  it("saves the step before one that threw, and can go on from it", async () => {
    const folder = tempFolder();
    const recorder = new Recorder();
    await expect(trainFake(fakeConfig(folder, { algorithm: { throwAt: 4 } }), { loggers: [recorder] })).rejects.toThrow(/^the fake trainer fails at step 4$/);
    expect(recorder.checkpoints).toEqual([join(folder, "out/checkpoints/step-000003")]);
    expect(metricsOf(join(folder, "out"))).toHaveLength(3);
  });

  it("names the logger that failed, and saves the step", async () => {
    const folder = tempFolder();
    const full: RunLogger = { step: (step) => { if (step === 3) throw new Error("disk full"); } };
    await expect(trainFake(fakeConfig(folder), { loggers: [full] })).rejects.toThrow(/\[logger number 1 given to createManager\] it failed: got disk full/);
    expect(checkpoints(folder)).toEqual(["step-000003"]);
  });

  it("refuses a keepBest metric that is no evaluation's before the first step, and one it does not measure at the first evaluation", async () => {
    const folder = tempFolder();
    const data = { train: join(folder, "train.jsonl"), eval: join(folder, "train.jsonl") };
    const keepBest = (metric: string): Record<string, unknown> => fakeConfig(folder, { data, trainer: { evalEvery: 2, keepBest: { metric } } });
    await expect(trainFake(keepBest("loss"))).rejects.toThrow(/keepBest\.metric\] not the name of an evaluation metric: got loss, expected a name as metrics\.jsonl has it, such as eval\/loss/);
    await expect(trainFake(keepBest("eval/lost"))).rejects.toThrow(/the evaluation does not measure this: got eval\/lost, expected one of eval\/loss/);
    expect(checkpoints(folder)).toEqual(["step-000002"]);
  });

  it("does not let two trainings of one manager overlap", async () => {
    const manager = await createManager(fakeConfig(tempFolder()), { models: fakeModels });
    const first = manager.train();
    await expect(manager.train()).rejects.toThrow(/\[train\] this manager is training already/);
    await first;
    await manager.dispose();
  });
});
