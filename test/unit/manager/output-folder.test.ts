import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError } from "@verlet/core";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, fileOf, metricsOf, trainFake } from "./fake-run.js";

describe("the output folder", () => {
  it("holds the config, metrics, rollouts, checkpoints and the model", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    await trainFake(fakeConfig(folder, { trainer: { saveEvery: 3, rolloutsEvery: 4, keepLast: 2 } }));
    expect(readdirSync(out).sort()).toEqual(["checkpoints", "config.json", "config.resolved.yaml", "metrics.jsonl", "model.safetensors", "rollouts", "tokenizer.json"]);
    expect(readdirSync(join(out, "checkpoints"))).toEqual(["step-000006", "step-000008"]);
    expect(readdirSync(join(out, "checkpoints/step-000006")).sort()).toEqual([
      "config.json", "config.resolved.yaml", "model.safetensors", "optimizer.safetensors", "state.json", "tokenizer.json",
    ]);
    expect(parse(fileOf(out, "config.resolved.yaml").toString())).toMatchObject({ algorithm: { name: "fake" }, trainer: { batchSize: 2, seed: 42 } });
    const metrics = metricsOf(out);
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    // Two rows of seven are drawn every second step.
    expect(metrics.map(({ epoch }) => epoch! * 7)).toEqual([2, 2, 4, 4, 6, 6, 8, 8]);
    expect(Object.keys(JSON.parse(fileOf(out, "metrics.jsonl").toString().split("\n")[0]!) as object)).toEqual([
      "step", "epoch", "loss", "grad_norm", "learning_rate", "timing/step", "timing/generate", "perf/tokens_per_second", "memory/rss_gb",
    ]);
    expect(readdirSync(join(out, "rollouts"))).toEqual(["step-000004.jsonl", "step-000008.jsonl"]);
    const [line] = fileOf(out, "rollouts/step-000004.jsonl").toString().split("\n");
    expect(JSON.parse(line!)).toEqual({
      step: 4, group: 0, prompt: expect.any(String), completion: expect.any(String), rewards: { fake: 1 }, score: 1, advantage: 0, finished: false,
    });
  });

  it("writes no metrics.jsonl when its logger is taken out", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder, { trainer: { loggers: [], rolloutsEvery: 0 } }));
    expect(readdirSync(join(folder, "out"))).not.toContain("metrics.jsonl");
    expect(readdirSync(join(folder, "out"))).not.toContain("rollouts");
  });

  it("is refused when another run is there and resume is never", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder));
    await expect(trainFake(fakeConfig(folder, { trainer: { resume: "never" } }))).rejects.toThrow(
      /out\] the output folder holds a run already: got a checkpoint up to step 8, 8 lines of metrics, a model \(config\.json, model\.safetensors\), expected an empty folder, as trainer\.resume is never\. Set trainer\.resume to auto to go on with it\. Choose another trainer\.outputDir, or delete this folder/,
    );
    expect(metricsOf(join(folder, "out"))).toHaveLength(8);
  });

  it("is refused when a model lies there that no run made", async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "out"));
    writeFileSync(join(folder, "out/model.safetensors"), "precious");
    await expect(trainFake(fakeConfig(folder))).rejects.toThrow(/got a model \(model\.safetensors\), expected an empty folder or a run to go on with/);
    expect(fileOf(folder, "out/model.safetensors").toString()).toBe("precious");
  });

  it("is refused when the run there has metrics but no checkpoint to go on from", async () => {
    const folder = tempFolder();
    await trainFake(fakeConfig(folder, { trainer: { outputDir: join(folder, "other") } }));
    mkdirSync(join(folder, "out"));
    const yaml = fileOf(folder, "other/config.resolved.yaml").toString().replace("/other", "/out");
    writeFileSync(join(folder, "out/config.resolved.yaml"), yaml);
    writeFileSync(join(folder, "out/metrics.jsonl"), '{"step":1}\n');
    const run = trainFake(fakeConfig(folder));
    await expect(run).rejects.toThrow(CheckpointError);
    await expect(run).rejects.toThrow(/got 1 lines of metrics, expected a checkpoint to go on from/);
  });

  it("is free when a run there failed before its first step", async () => {
    const folder = tempFolder();
    await expect(trainFake(fakeConfig(folder, { algorithm: { throwAt: 1 } }))).rejects.toThrow("the fake trainer fails at step 1");
    expect(readdirSync(join(folder, "out"))).toContain("config.resolved.yaml");
    expect((await trainFake(fakeConfig(folder))).steps).toBe(8);
  });
});
