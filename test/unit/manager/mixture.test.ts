/** Several data sets with weights: what a run draws, scores per source, and draws again when it goes on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { registerReward } from "@verlet/core";
import { createManager } from "@verlet/manager";
import { expect, it } from "vitest";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fileOf, metricsOf, Recorder } from "./fake-run.js";

const seen: unknown[] = [];
registerReward("seen-sources")(({ row, answer, completionIds }) => {
  seen.push([row.data_source, answer]);
  return completionIds.length % 2;
});

function mixture(folder: string, outputDir: string): Record<string, unknown> {
  const file = (name: string, rows: object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  };
  const sums = file("sums.jsonl", Array.from({ length: 6 }, (_, i) => ({ prompt: `${i}+1`, answer: `s${i}` })));
  const words = file("words.jsonl", Array.from({ length: 4 }, (_, i) => ({ ask: `w${i}`, gold: `w${i}` })));
  return {
    algorithm: "grpo",
    model: { path: "fake" },
    data: { train: [{ path: sums, split: "[:2]", weight: 1 }, { path: words, weight: 2, columns: { prompt: "ask", answer: "gold" } }] },
    rollout: { numGenerations: 2, maxNewTokens: 4 },
    rewards: [{ name: "seen-sources" }],
    optimizer: { learningRate: 0.05 },
    trainer: { batchSize: 3, epochs: 2, outputDir: join(folder, outputDir), loggers: ["jsonl"], rolloutsEvery: 0 },
    backend: "cpu",
  };
}

async function train(config: Record<string, unknown>, stopAfter = Infinity): Promise<string[]> {
  const controller = new AbortController();
  const recorder = new Recorder();
  recorder.onStep = (step) => {
    if (step === stopAfter) controller.abort();
  };
  const lines: string[] = [];
  const manager = await createManager(config, { models: fakeModels, signal: controller.signal, loggers: [recorder, { step: () => {}, line: (text) => void lines.push(text) }] });
  try {
    await manager.train();
  } finally {
    await manager.dispose();
  }
  return lines;
}

it("an epoch has the shares, every row is scored with its own answer, and a run that goes on draws as one never stopped", async () => {
  const folder = tempFolder();
  seen.length = 0;
  const lines = await train(mixture(folder, "whole"));
  expect(lines).toContain("data: an epoch takes 2 rows of sums (it has 2), 4 rows of words (it has 4)");
  const perEpoch = [["sums", "s0"], ["sums", "s1"], ...[0, 1, 2, 3].map((i) => ["words", `w${i}`])].flatMap((one) => [one, one]);
  const sorted = (values: unknown[]): string[] => values.map((value) => JSON.stringify(value)).sort();
  expect(sorted(seen.slice(0, 12))).toEqual(sorted(perEpoch));
  expect(sorted(seen.slice(12))).toEqual(sorted(perEpoch));

  const whole = [...seen];
  for (const stop of [1, 3]) {
    seen.length = 0;
    await train(mixture(folder, `parts-${stop}`), stop);
    await train(mixture(folder, `parts-${stop}`));
    expect(seen).toEqual(whole);
    expect(metricsOf(join(folder, `parts-${stop}`))).toEqual(metricsOf(join(folder, "whole")));
    expect(fileOf(join(folder, `parts-${stop}`), "model.safetensors")).toEqual(fileOf(join(folder, "whole"), "model.safetensors"));
  }
});

it("other weights are other data", async () => {
  const folder = tempFolder();
  await train(mixture(folder, "out"), 1);
  const changed = mixture(folder, "out");
  (changed.data as { train: { weight: number }[] }).train[1]!.weight = 3;
  await expect(train(changed)).rejects.toThrow(/data/);
});
