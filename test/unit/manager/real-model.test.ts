import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { registerReward } from "@verlet/core";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fileOf, metricsOf } from "./fake-run.js";
import { trainRun } from "./train-run.js";

const models = join(import.meta.dirname, "../../fixtures/models");

// Differs within nearly every group of random completions.
registerReward("id-sum")(({ completionIds }) => completionIds.reduce((sum, id) => sum + (id % 7), 0));

/** GRPO with a KL term, so that sampling, the reference, advantages, dropout and a carried batch are all in it. */
function grpo(folder: string, outputDir: string, model: object, trainer: object = {}): Record<string, unknown> {
  const train = join(folder, "prompts.jsonl");
  writeFileSync(train, ["one", "two and", "three", "four", "five"].map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""));
  return {
    algorithm: "grpo",
    model,
    data: { train },
    rollout: { numGenerations: 2, maxNewTokens: 4 },
    rewards: [{ name: "id-sum" }],
    loss: { klCoef: 0.1, iterations: 2 },
    optimizer: { learningRate: 0.01, schedule: { name: "cosine", warmupSteps: 1 } },
    trainer: { batchSize: 2, microBatchSize: 3, maxSteps: 4, outputDir, loggers: ["jsonl"], rolloutsEvery: 0, ...trainer },
    backend: "wasm",
  };
}

describe("a real model", () => {
  it.each([
    ["all weights", "qwen3", {}, "model.safetensors"],
    ["an adapter", "llama", { lora: { r: 4, dropout: 0.1 } }, "adapter_model.safetensors"],
    ["weights that are published in bfloat16", "qwen3-untied-bf16", {}, "model.safetensors"],
  ])("training %s, stopped and resumed, ends where an unbroken run ends", async (_, name, more, weights) => {
    const folder = tempFolder();
    const model = { path: join(models, name), ...more };
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    await trainRun(grpo(folder, whole, model));
    await trainRun(grpo(folder, parts, model), 3);
    await trainRun(grpo(folder, parts, model));
    const metrics = metricsOf(whole);
    expect(metricsOf(parts)).toEqual(metrics);
    expect(fileOf(parts, weights)).toEqual(fileOf(whole, weights));
    expect(fileOf(parts, "checkpoints/step-000004/optimizer.safetensors")).toEqual(fileOf(whole, "checkpoints/step-000004/optimizer.safetensors"));
    // The policy starts as its own reference: no divergence at first, some once it has moved.
    expect(metrics[0]!.kl).toBeCloseTo(0, 6);
    expect(metrics[3]!.kl).toBeGreaterThan(1e-6);
  }, 120_000);
});
