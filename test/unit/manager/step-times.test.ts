import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metrics, ScoredRollout } from "@verlet/core";
import { createManager } from "@verlet/manager";
import { tinyRlConfig } from "@verlet/testing";
import { describe, expect, it } from "vitest";
import { StepTimes, throughput } from "../../../packages/manager/dist/step-times.js";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";

describe("the times of a step", () => {
  it("measures what is waited for until it is settled", async () => {
    const times = new StepTimes();
    let settle!: (value: number) => void;
    const pending = times.measure("generate", () => new Promise<number>((resolve) => (settle = resolve)));
    expect(times.take()).toEqual({});
    settle(3);
    expect(await pending).toBe(3);
    expect(times.measure("reward", () => "at once")).toBe("at once");
    expect(times.take()).toEqual({ "timing/generate": expect.any(Number), "timing/reward": expect.any(Number) });
    expect(times.take()).toEqual({});
  });

  it("lets a failure through and still counts its time", async () => {
    const times = new StepTimes();
    const failure = new Error("no");
    const fail = (): never => {
      throw failure;
    };
    expect(() => times.measure("reward", fail)).toThrow(failure);
    await expect(times.measure("generate", () => Promise.reject(failure))).rejects.toThrow(failure);
    expect(Object.keys(times.take()).sort()).toEqual(["timing/generate", "timing/reward"]);
  });
});

describe("tokens per second", () => {
  const rollout = (prompt: number, completion: number): ScoredRollout =>
    ({ prompt: { ids: Array<number>(prompt).fill(1), text: "", row: {} }, completionIds: Array<number>(completion).fill(1) }) as unknown as ScoredRollout;
  const advantage = 0;

  it.each<[string, Parameters<typeof throughput>[0], Metrics]>([
    ["the trainer's own count", { metrics: { num_tokens: 300 } }, { "perf/tokens_per_second": 600 }],
    ["prompts and completions", { metrics: {}, rollouts: [{ ...rollout(3, 4), advantage }, { ...rollout(3, 2), advantage }] }, { "perf/tokens_per_second": 24 }],
    ["nothing where nothing was taken in", { metrics: { loss: 1 } }, {}],
  ])("counts %s", (_, result, expected) => {
    expect(throughput(result, 500)).toEqual(expected);
  });
});

describe("metrics.jsonl", () => {
  const first = (outputDir: string): Metrics => JSON.parse(readFileSync(join(outputDir, "metrics.jsonl"), "utf8").split("\n")[0]!) as Metrics;
  const train = async (config: Record<string, unknown>, outputDir: string): Promise<Metrics> => {
    const manager = await createManager(config, { models: fakeModels, overrides: [`trainer.outputDir=${JSON.stringify(outputDir)}`, "trainer.maxSteps=1", 'trainer.loggers=["jsonl"]'] });
    await manager.train();
    await manager.dispose();
    return first(outputDir);
  };

  it("says of a GRPO step what sampling and scoring took", async () => {
    const metrics = await train(tinyRlConfig(), tempFolder());
    expect(metrics).toMatchObject({ "timing/generate": expect.any(Number), "timing/reward": expect.any(Number), "perf/tokens_per_second": expect.any(Number) });
    expect(metrics["timing/step"]).toBeGreaterThanOrEqual(metrics["timing/generate"]!);
    expect(metrics["perf/tokens_per_second"]).toBeGreaterThan(0);
  });

  it("says of an SFT step its time and tokens alone", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "train.jsonl"), `${JSON.stringify({ text: "a row" })}\n`);
    const metrics = await train({ algorithm: "sft", model: { path: "fake" }, data: { train: join(folder, "train.jsonl") }, trainer: { batchSize: 1 }, backend: "cpu" }, join(folder, "out"));
    expect(Object.keys(metrics).filter((name) => /^(timing|perf)\//.test(name))).toEqual(["timing/step", "perf/tokens_per_second"]);
    expect(metrics["perf/tokens_per_second"]).toBeGreaterThan(0);
  });
});
