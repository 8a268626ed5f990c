/**
 * Whole runs with `backend: webgpu`: what is sampled, every metric of every step and the trained weights are those of
 * wasm, up to the order of float32 sums.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { registerReward } from "@verlet/core";
import { decodeFloats, readSafetensors } from "@verlet/model";
import { expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { describeOnWebgpu } from "../../helpers/backends.js";
import { maxDifference } from "../../helpers/fixtures.js";
import { metricsOf } from "./fake-run.js";
import { trainRun } from "./train-run.js";

// AdamW's first steps are the sign of the gradient times the rate (here 1e-3), so noise in a gradient near 0 shows whole.
const METRICS = 1e-4;
const WEIGHTS = 1e-4;

registerReward("id-parity")(({ completionIds }) => completionIds.reduce((sum, id) => sum + (id % 2), 0));

const common = { loggers: ["jsonl"], batchSize: 2, maxSteps: 2, seed: 3 };
const model = { path: join(import.meta.dirname, "../../fixtures/models/qwen3") };
const rows = [["one", " and a"], ["two and", " b"], ["three", " the end of it"], ["four", "."]].map(([prompt, completion]) => ({ prompt, completion }));

const runs: Record<string, object> = {
  SFT: { algorithm: "sft", model, optimizer: { learningRate: 1e-3 }, trainer: { ...common, microBatchSize: 1 } },
  GRPO: {
    algorithm: "grpo",
    model: { ...model, lora: { r: 4, dropout: 0 } },
    rollout: { numGenerations: 2, maxNewTokens: 3 },
    rewards: [{ name: "id-parity" }],
    loss: { klCoef: 0.1 },
    optimizer: { learningRate: 1e-3 },
    trainer: { ...common, rolloutsEvery: 1 },
  },
};

await describeOnWebgpu("a run", () => {
  it.each(Object.keys(runs))("of %s is that of wasm", async (name) => {
    const folder = tempFolder();
    const train = join(folder, "train.jsonl");
    writeFileSync(train, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const [got, expected] = [join(folder, "webgpu"), join(folder, "wasm")];
    for (const [outputDir, backend] of [[expected, "wasm"], [got, "webgpu"]] as const) {
      const run = runs[name] as { trainer: object };
      await trainRun({ ...run, data: { train }, backend, trainer: { ...run.trainer, outputDir } });
    }

    const wanted = metricsOf(expected);
    expect(wanted).toHaveLength(2);
    metricsOf(got).forEach((metrics, i) => {
      expect(Object.keys(metrics)).toEqual(Object.keys(wanted[i]!));
      for (const [key, value] of Object.entries(wanted[i]!)) expect(Math.abs(metrics[key]! - value) / (1 + Math.abs(value)), `${key} of step ${i + 1}`).toBeLessThan(METRICS);
    });
    if (name === "GRPO") expect(completions(got)).toEqual(completions(expected));
    const file = name === "GRPO" ? "adapter_model.safetensors" : "model.safetensors";
    const trained = await readSafetensors(join(got, file));
    for (const [key, { data, dtype }] of await readSafetensors(join(expected, file))) {
      expect(maxDifference(decodeFloats(trained.get(key)!.data, dtype), decodeFloats(data, dtype)), key).toBeLessThan(WEIGHTS);
    }
  });
});

const completions = (folder: string): string[] =>
  readFileSync(join(folder, "rollouts/step-000002.jsonl"), "utf8").trimEnd().split("\n").map((line) => (JSON.parse(line) as { completion: string }).completion);
