import { appendFileSync, cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, fileOf, metricsOf, Recorder, trainFake } from "./fake-run.js";

/** Stops the run after a step, as Ctrl+C would. */
function stopAfter(step: number): { signal: AbortSignal; loggers: [Recorder] } {
  const controller = new AbortController();
  const recorder = new Recorder();
  recorder.onStep = (done) => {
    if (done === step) controller.abort();
  };
  return { signal: controller.signal, loggers: [recorder] };
}

describe("resume", () => {
  // The fake trainer uses each batch twice: after an odd step a batch is waiting, after an even one none is.
  it.each([3, 4, 7])("after an interrupt at step %i ends as a run that was never stopped", async (step) => {
    const folder = tempFolder();
    const trainer = { outputDir: join(folder, "whole"), saveEvery: 2, evalEvery: 3, rolloutsEvery: 2 };
    const data = { train: join(folder, "train.jsonl"), eval: join(folder, "train.jsonl") };
    const whole = await trainFake(fakeConfig(folder, { trainer, data }));
    expect(whole).toMatchObject({ steps: 8, totalSteps: 8, interrupted: false });

    const parts = fakeConfig(folder, { trainer: { ...trainer, outputDir: join(folder, "parts") }, data });
    const first = await trainFake(parts, stopAfter(step));
    expect(first).toMatchObject({ steps: step, interrupted: true });
    const second = await trainFake(parts);
    expect(second).toMatchObject({ steps: 8, interrupted: false });

    const [a, b] = [join(folder, "whole"), join(folder, "parts")];
    expect(metricsOf(b)).toEqual(metricsOf(a));
    expect(fileOf(b, "model.safetensors")).toEqual(fileOf(a, "model.safetensors"));
    expect(fileOf(b, "checkpoints/step-000008/optimizer.safetensors")).toEqual(fileOf(a, "checkpoints/step-000008/optimizer.safetensors"));
    expect(readdirSync(join(b, "rollouts"))).toEqual(["step-000002.jsonl", "step-000004.jsonl", "step-000006.jsonl", "step-000008.jsonl"]);
    for (const name of readdirSync(join(b, "rollouts"))) expect(fileOf(b, "rollouts", name)).toEqual(fileOf(a, "rollouts", name));
    expect(second.evaluation).toEqual(whole.evaluation);
  });

  it("after a crash takes the steps since the last checkpoint again and leaves one line a step", async () => {
    const folder = tempFolder();
    const whole = fakeConfig(folder, { trainer: { outputDir: join(folder, "whole"), saveEvery: 2 } });
    await trainFake(whole);
    const config = fakeConfig(folder, { trainer: { saveEvery: 2, keepLast: 9 } });
    await trainFake(config);
    // As if the process had been killed after step 5, with step 4 saved.
    const out = join(folder, "out");
    for (const step of ["6", "8"]) rmSync(join(out, "checkpoints", `step-00000${step}`), { recursive: true });
    rmSync(join(out, "model.safetensors"));
    const recorder = new Recorder();
    await trainFake(config, { loggers: [recorder] });
    expect(recorder.steps).toEqual([5, 6, 7, 8]);
    expect(metricsOf(out)).toEqual(metricsOf(join(folder, "whole")));
    expect(fileOf(out, "model.safetensors")).toEqual(fileOf(folder, "whole", "model.safetensors"));
  });

  it("takes no step in a finished run and says so", async () => {
    const folder = tempFolder();
    const config = fakeConfig(folder);
    const first = await trainFake(config);
    const recorder = new Recorder();
    const again = await trainFake(config, { loggers: [recorder] });
    expect(recorder.steps).toEqual([]);
    expect(recorder.lines.join("\n")).toContain("this run is finished: step 8 of 8. Raise trainer.maxSteps or trainer.epochs to go on");
    expect(again.metrics).toEqual(first.metrics);
    expect(metricsOf(join(folder, "out"))).toHaveLength(8);
  });

  it("goes on when maxSteps was raised", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder));
    const recorder = new Recorder();
    const stats = await trainFake(fakeConfig(folder, { trainer: { maxSteps: 10 } }), { loggers: [recorder] });
    expect(stats.steps).toBe(10);
    expect(recorder.steps).toEqual([9, 10]);
  });

  it("starts from a checkpoint's folder in another output folder", async () => {
    const folder = tempFolder();
    const outputDir = join(folder, "whole");
    await trainFake(fakeConfig(folder, { trainer: { outputDir, saveEvery: 4 } }));
    const resume = join(outputDir, "checkpoints/step-000004");
    const recorder = new Recorder();
    await trainFake(fakeConfig(folder, { trainer: { resume } }), { loggers: [recorder] });
    expect(recorder.steps).toEqual([5, 6, 7, 8]);
    expect(fileOf(folder, "out/model.safetensors")).toEqual(fileOf(outputDir, "model.safetensors"));
  });

  it("does not rewind a folder that has newer checkpoints", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder, { trainer: { saveEvery: 4 } }));
    const resume = join(folder, "out/checkpoints/step-000004");
    await expect(trainFake(fakeConfig(folder, { trainer: { resume } }))).rejects.toThrow(/holds a run already: got 2 checkpoints up to step 8, .*expected a run from step 4/);
  });

  it("names the keys in which the config differs, and touches nothing", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder));
    const before = join(folder, "before");
    cpSync(join(folder, "out"), before, { recursive: true });
    const changed = fakeConfig(folder, { trainer: { seed: 7, saveEvery: 3 }, optimizer: { learningRate: 0.2, schedule: { name: "linear" } } });
    await expect(trainFake(changed)).rejects.toThrow(
      /this belongs to a run with another config: got optimizer\.learningRate was 0\.1 and is now 0\.2; trainer\.seed was 42 and is now 7\. Put these keys back/,
    );
    expect(readdirSync(join(folder, "out"))).toEqual(readdirSync(before));
    expect(metricsOf(join(folder, "out"))).toEqual(metricsOf(before));
  });

  it("refuses data of another length", async () => {
    const folder = tempFolder();
    const { signal, loggers } = stopAfter(2);
    await trainFake(fakeConfig(folder), { signal, loggers });
    appendFileSync(join(folder, "train.jsonl"), '{"text":"one more"}\n');
    await expect(trainFake(fakeConfig(folder))).rejects.toThrow(/the checkpoint was made with other data \(rows\): got 8, expected 7/);
  });
});
