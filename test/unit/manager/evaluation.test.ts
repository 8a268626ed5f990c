import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, registerReward, registerTrainer, type Trainer, type TrainingManager } from "@verlet/core";
import { createManager } from "@verlet/manager";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { HubServer } from "../../helpers/hub-server.js";
import { fakeConfig, metricsOf, Recorder, trainFake } from "./fake-run.js";

/** An algorithm without a measure of its own, so that the manager answers and scores. */
const still = (): Trainer => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} });
registerTrainer("still", { uses: ["rollout", "rewards"] })(still);
registerReward("by-answer")(({ answer }) => (answer === "unknown" ? null : Number(answer)));
registerReward("tokens")(({ completionIds }) => completionIds.length);

async function open(config: string | Record<string, unknown>): Promise<TrainingManager> {
  const manager = await createManager(config, { models: fakeModels });
  onTestFinished(() => manager.dispose());
  return manager;
}

function scoredConfig(folder: string): Record<string, unknown> {
  const questions = join(folder, "questions.jsonl");
  const rows = [{ prompt: "a", answer: 1 }, { prompt: "b", answer: 0.5 }, { prompt: "c", answer: "unknown" }];
  writeFileSync(questions, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return fakeConfig(folder, {
    algorithm: { name: "still" },
    data: { train: questions, eval: questions },
    rollout: { maxNewTokens: 5, numGenerations: 2 },
    rewards: [{ name: "by-answer" }, { name: "tokens", weight: 0.1 }],
  });
}

describe("evaluate", () => {
  it("answers greedily and scores with the configured rewards", async () => {
    const manager = await open(scoredConfig(tempFolder()));
    const { metrics, details } = await manager.evaluate({ details: true });
    // Fresh logits are all 0, so the greedy completion is byte 0 five times. Scores: 1 + 0.5, 0.5 + 0.5, 0.5.
    expect(metrics).toMatchObject({ "eval/reward": 1, "eval/rewards/by-answer/mean": 0.75, "eval/completions/mean_length": 5, "eval/completions/clipped_ratio": 1 });
    expect(details).toEqual([
      { prompt: "a", completion: "\0\0\0\0\0", score: 1.5, rewards: { "by-answer": 1, tokens: 5 }, row: { prompt: "a", answer: 1 } },
      { prompt: "b", completion: "\0\0\0\0\0", score: 1, rewards: { "by-answer": 0.5, tokens: 5 }, row: { prompt: "b", answer: 0.5 } },
      { prompt: "c", completion: "\0\0\0\0\0", score: 0.5, rewards: { "by-answer": null, tokens: 5 }, row: { prompt: "c", answer: "unknown" } },
    ]);
    expect((await manager.evaluate()).details).toBeUndefined();
  });

  it("measures acc by the verifier: the share of what it could score that is above 0", async () => {
    const folder = tempFolder();
    const manager = await open({ ...scoredConfig(folder), rewards: [{ name: "tokens", weight: 0.1 }], verifier: { name: "by-answer", weight: 2 } });
    const rows = join(folder, "signed.jsonl");
    writeFileSync(rows, [1, -1, "unknown", 0.5, 0].map((answer) => `${JSON.stringify({ prompt: "x", answer })}\n`).join(""));
    const { metrics } = await manager.evaluate({ dataPath: rows });
    // 1 and 0.5 of 1, -1, 0.5 and 0; scores 0.5 + 2, 0.5 - 2, 0.5, 0.5 + 1 and 0.5
    expect(metrics).toMatchObject({ "eval/acc": 0.5, "eval/rewards/by-answer/mean": 0.125, "eval/reward": 0.7 });
    expect((await (await open(scoredConfig(tempFolder()))).evaluate()).metrics).not.toHaveProperty("eval/acc");
  });

  it("tells of the evaluation rows' downloads: a run to its loggers, evaluate to the caller's", async () => {
    const hub = new HubServer();
    const folder = tempFolder();
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      await hub.stop();
    });
    for (const [name, value] of Object.entries({ HF_ENDPOINT: await hub.start(), HF_HUB_CACHE: join(folder, "one"), HF_TOKEN: "", HF_HUB_OFFLINE: "", HF_DATASETS_OFFLINE: "" })) vi.stubEnv(name, value);
    hub.repos.set("maths/sums", { revisions: { main: { "test.jsonl": '{"prompt":"a","answer":1}\n' } } });
    const config = scoredConfig(folder);
    const told = new Recorder();
    await trainFake({ ...config, data: { ...(config.data as object), eval: "hf://maths/sums:test" }, trainer: { ...(config.trainer as object), maxSteps: 1 } }, { loggers: [told] });
    expect(told.lines).toContain("downloading test.jsonl of maths/sums, 26 bytes");
    vi.stubEnv("HF_HUB_CACHE", join(folder, "two"));
    const asked = new Recorder();
    const manager = await createManager(config, { models: fakeModels, loggers: [asked] });
    onTestFinished(() => manager.dispose());
    await manager.evaluate({ dataPath: "hf://maths/sums:test" });
    expect(asked.lines).toEqual(["downloading test.jsonl of maths/sums, 26 bytes"]);
  });

  it("takes other rows, and says when there are none", async () => {
    const folder = tempFolder();
    const config = scoredConfig(folder);
    const manager = await open({ ...config, data: { train: join(folder, "questions.jsonl") } });
    await expect(manager.evaluate()).rejects.toThrow(ConfigError);
    await expect(manager.evaluate()).rejects.toThrow(/\[data\.eval\] there is nothing to evaluate on\. Set data\.eval, or give evaluate a dataPath/);
    const other = join(folder, "other.jsonl");
    writeFileSync(other, '{"prompt":"x","answer":3}\n');
    expect((await manager.evaluate({ dataPath: other })).metrics["eval/rewards/by-answer/mean"]).toBe(3);
  });

  it("prefers the algorithm's own measure, and sees what training and load changed", async () => {
    const folder = tempFolder();
    const data = { train: join(folder, "train.jsonl"), eval: join(folder, "train.jsonl") };
    const manager = await open(fakeConfig(folder, { data, trainer: { evalEvery: 4 } }));
    const before = (await manager.evaluate()).metrics;
    // −log of one in 258 equally likely tokens
    expect(before["eval/loss"]).toBeCloseTo(Math.log(258), 5);
    const stats = await manager.train();
    const after = (await manager.evaluate()).metrics;
    expect(after["eval/loss"]!).toBeLessThan(before["eval/loss"]! - 0.1);
    expect(stats.evaluation).toEqual(after);
    const evaluations = metricsOf(join(folder, "out")).filter((line) => "eval/loss" in line);
    expect(evaluations.map(({ step }) => step)).toEqual([4, 8]);
    expect(evaluations[1]).toEqual({ step: 8, ...after });

    await manager.save(join(folder, "copy"));
    const fresh = await open(fakeConfig(folder, { data }));
    await fresh.load(join(folder, "copy"));
    expect((await fresh.evaluate()).metrics).toEqual(after);
  });

  it("changes nothing in training", async () => {
    const folder = tempFolder();
    const data = { train: join(folder, "train.jsonl"), eval: join(folder, "train.jsonl") };
    const [often, never] = [join(folder, "often"), join(folder, "never")];
    await trainFake(fakeConfig(folder, { data, trainer: { evalEvery: 1, outputDir: often } }));
    await trainFake(fakeConfig(folder, { trainer: { outputDir: never } }));
    expect(metricsOf(often).filter((line) => "loss" in line)).toEqual(metricsOf(never));
  });

  it("keeps the checkpoint of the best evaluation, also where none was due", async () => {
    const folder = tempFolder();
    const data = { train: join(folder, "train.jsonl"), eval: join(folder, "train.jsonl") };
    const keepBest = { metric: "eval/loss", mode: "max" }; // the loss falls, so the first evaluation has the most
    await trainFake(fakeConfig(folder, { data, trainer: { evalEvery: 3, saveEvery: 4, keepLast: 1, keepBest } }));
    expect(readdirSync(join(folder, "out/checkpoints"))).toEqual(["step-000003", "step-000008"]);
  });
});

describe("train", () => {
  it("writes other data and another folder into the run's config", async () => {
    const folder = tempFolder();
    const manager = await open(fakeConfig(folder));
    const other = join(folder, "other.jsonl");
    writeFileSync(other, '{"text":"one"}\n{"text":"two"}\n');
    const outputDir = join(folder, "elsewhere");
    const stats = await manager.train({ dataPath: other, outputDir });
    expect(stats.outputDir).toBe(outputDir);
    // Four batches of two rows from a set of two.
    expect(stats.metrics.epoch).toBe(4);
    const again = await open(join(outputDir, "config.resolved.yaml"));
    expect((await again.train()).steps).toBe(8);
  });
});
