import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registerReward, registry } from "@verlet/core";
import { afterAll } from "vitest";

const REWARD = "testing/even-tokens";

type Sections = Readonly<Record<string, unknown>>;

/**
 * A whole configuration for the fakes: 2 of 5 prompts a step, 4 completions each of up to 6 byte tokens, scored by the
 * share of even tokens (0.5 at random), in micro-batches of 3 rows, on the `cpu` backend. Its files live in a folder that
 * is deleted after the test file.
 * @param sections laid over it: the mappings key by key, everything else as it is; `undefined` takes a section out
 */
export function tinyRlConfig(sections: Sections = {}): Record<string, unknown> {
  if (!registry.find("reward", REWARD)) registerReward(REWARD, { doc: "Share of even tokens." })(({ completionIds }) => meanEven(completionIds));
  const folder = mkdtempSync(join(tmpdir(), "verlet-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const train = join(folder, "prompts.jsonl");
  writeFileSync(train, ["one", "two", "three", "four", "five"].map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""));
  const usual: Sections = {
    algorithm: "grpo",
    model: { path: "fake" },
    data: { train },
    rollout: { numGenerations: 4, maxNewTokens: 6 },
    rewards: [REWARD],
    optimizer: { learningRate: 0.05 },
    trainer: { batchSize: 2, microBatchSize: 3, maxSteps: 6, outputDir: join(folder, "output"), loggers: [] },
    backend: "cpu",
  };
  const isMapping = (value: unknown): value is Sections => typeof value === "object" && value !== null && !Array.isArray(value);
  const merged = Object.entries({ ...usual, ...sections }).map(([key, over]) => {
    const below = usual[key];
    return [key, isMapping(below) && isMapping(over) ? { ...below, ...over } : over] as const;
  });
  return Object.fromEntries(merged.filter(([, value]) => value !== undefined));
}

const meanEven = (ids: readonly number[]): number => ids.filter((id) => id % 2 === 0).length / ids.length;
