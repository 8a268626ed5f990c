/** What RL carries from step to step: a batch in parts, the adaptive KL coefficient, the greedy baselines' random stream. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { registerReward, type Metrics } from "@verlet/core";
import { createManager, type ModelSource } from "@verlet/manager";
import { describe, expect, it } from "vitest";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fileOf, metricsOf, Recorder } from "./fake-run.js";

// Both differ within nearly every group of random completions.
registerReward("odd-share")(({ completionIds }) => completionIds.filter((id) => id % 2 === 1).length / completionIds.length);
registerReward("byte-mean")(({ completionIds }) => completionIds.reduce((sum, id) => sum + id, 0) / completionIds.length / 128);

interface Case {
  advantage: string;
  loss: object;
  rewards?: object[];
}

function rlConfig(folder: string, outputDir: string, { advantage, loss, rewards = [{ name: "byte-mean" }] }: Case): Record<string, unknown> {
  const train = join(folder, "prompts.jsonl");
  writeFileSync(train, ["one", "two", "three", "four", "five"].map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""));
  return {
    algorithm: "grpo",
    model: { path: "fake" },
    data: { train },
    rollout: { numGenerations: 4, maxNewTokens: 5 },
    rewards,
    advantage,
    loss,
    optimizer: { learningRate: 0.05 },
    trainer: { batchSize: 2, microBatchSize: 3, maxSteps: 6, outputDir: join(folder, outputDir), loggers: ["jsonl"], rolloutsEvery: 0 },
    backend: "cpu",
  };
}

async function train(config: Record<string, unknown>, stopAfter = Infinity, models: ModelSource | undefined = fakeModels): Promise<void> {
  const controller = new AbortController();
  const recorder = new Recorder();
  recorder.onStep = (step) => {
    if (step === stopAfter) controller.abort();
  };
  const manager = await createManager(config, { models, signal: controller.signal, loggers: [recorder] });
  try {
    await manager.train();
  } finally {
    await manager.dispose();
  }
}

const cases: Case[] = [
  { advantage: "remax", loss: { miniBatches: 2, iterations: 2, klCoef: 0.1, klPlace: "reward", klController: "adaptive", klTarget: 1e-4, klHorizon: 10 } },
  { advantage: "optimal_token_baseline", loss: { miniBatches: 3, klCoef: 0.1, klController: "adaptive", klTarget: 1e-4, klHorizon: 10 } },
];

describe("a resumed RL run ends as one that was never stopped", () => {
  it.each(cases.flatMap((each) => [1, 2, 3, 4].map((step) => [each.advantage, step, each] as const)))("%s, stopped after step %i", async (_, step, each) => {
    const folder = tempFolder();
    await train(rlConfig(folder, "whole", each));
    await train(rlConfig(folder, "parts", each), step);
    await train(rlConfig(folder, "parts", each));
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    expect(metricsOf(parts)).toEqual(metricsOf(whole));
    expect(fileOf(parts, "model.safetensors")).toEqual(fileOf(whole, "model.safetensors"));
    expect(fileOf(parts, "checkpoints/step-000006/optimizer.safetensors")).toEqual(fileOf(whole, "checkpoints/step-000006/optimizer.safetensors"));
    const { kl, rngs, trainer } = stateOf(whole);
    expect(stateOf(parts)).toMatchObject({ kl, rngs, trainer });
    const coefficients = metricsOf(whole).flatMap(({ kl_coef }) => (kl_coef === undefined ? [] : [kl_coef]));
    expect(new Set(coefficients).size, "the coefficient moves from one measurement to the next").toBe(coefficients.length);
    expect(coefficients.length).toBeGreaterThan(1);
  });
});

/** The state in the last checkpoint. */
const stateOf = (outputDir: string): Record<string, unknown> => JSON.parse(fileOf(outputDir, "checkpoints/step-000006/state.json").toString()) as Record<string, unknown>;

describe("on a real model", () => {
  const model = { path: join(import.meta.dirname, "../../fixtures/models/qwen3") };

  async function steps(each: Case): Promise<{ metrics: Metrics[]; advantages: number[] }> {
    const folder = tempFolder();
    const config = rlConfig(folder, "out", each);
    await train({ ...config, model, backend: "wasm", trainer: { ...(config["trainer"] as object), maxSteps: 2, rolloutsEvery: 1 } }, Infinity, undefined);
    const lines = fileOf(folder, "out/rollouts/step-000001.jsonl").toString().trimEnd().split("\n");
    return { metrics: metricsOf(join(folder, "out")), advantages: lines.map((line) => (JSON.parse(line) as { advantage: number }).advantage) };
  }

  it("remax takes the greedy completion's score off each sample's", async () => {
    const { metrics, advantages } = await steps({ advantage: "remax", loss: {} });
    // each prompt has as many samples as any other, so means over rows and over prompts agree
    const mean = advantages.reduce((a, b) => a + b, 0) / advantages.length;
    expect(mean).toBeCloseTo(metrics[0]!["reward"]! - metrics[0]!["reward_greedy"]!, 5);
    expect(new Set(advantages).size).toBeGreaterThan(2);
  });

  it.each<[string, Case, string[]]>([
    ["remax compares with greedy completions", { advantage: "remax", loss: {} }, ["reward_greedy", "advantage/rows_without_baseline"]],
    ["optimal_token_baseline reads the policy's distribution", { advantage: "optimal_token_baseline", loss: { klCoef: 0.1, klPlace: "reward" } }, ["kl", "kl_coef", "advantage/groups_of_one"]],
    ["gdpo compares each of two rewards", { advantage: "gdpo", loss: { miniBatches: 2 }, rewards: [{ name: "byte-mean" }, { name: "odd-share", weight: 0.5 }] }, ["rewards/odd-share/mean"]],
    ["reinforce_plus_plus", { advantage: "reinforce_plus_plus", loss: { klCoef: 0.1, klPlace: "reward" } }, ["kl"]],
  ])("%s: two steps of grpo", async (_, each, names) => {
    const { metrics, advantages } = await steps(each);
    expect(metrics).toHaveLength(2);
    expect(advantages.filter((advantage) => advantage !== 0).length).toBeGreaterThan(0);
    for (const name of names) expect(metrics[0], name).toHaveProperty([name]);
    for (const step of metrics) expect(Object.entries(step).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
    expect(metrics[1]!["grad_norm"]).toBeGreaterThan(0);
  });
});

describe("what an advantage needs is checked before the first step", () => {
  it("gae with an algorithm that has no critic", async () => {
    await expect(train(rlConfig(tempFolder(), "out", { advantage: "gae", loss: {} }))).rejects.toThrow(/advantage gae needs values from a critic: got algorithm grpo, which has none/);
  });

  it("gdpo with KL in the reward, which it would not see", async () => {
    await expect(train(rlConfig(tempFolder(), "out", { advantage: "gdpo", loss: { klCoef: 0.1, klPlace: "reward" } }))).rejects.toThrow(
      "loss.klPlace: got reward beside advantage gdpo, which reads each reward by itself and sees no KL there, expected klPlace: loss.",
    );
  });

  it("a group estimator with one sample a prompt", async () => {
    const config = rlConfig(tempFolder(), "out", { advantage: "opo", loss: {} });
    await expect(train({ ...config, rollout: { numGenerations: 1, maxNewTokens: 5 } })).rejects.toThrow("rollout.numGenerations: got 1, expected at least 2, which advantage opo needs.");
  });
});
