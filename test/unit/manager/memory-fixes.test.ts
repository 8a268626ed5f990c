import { expect, test } from "vitest";
import { memoryFixes, runMemory } from "@verlet/manager";
import type { ModelConfig } from "@verlet/model";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { sampling, sft, shapeOf, small, type Sections } from "./memory-shapes.js";

const deep: ModelConfig = { ...small, layers: 8 };
const peakOf = async (source: Sections, overrides: readonly string[] = []): Promise<number> => runMemory(await shapeOf(source, {}, { model: deep, overrides })).peak;

/** What is named, as `key: value` texts, once each is proved: set on the command line, the run fits. */
async function proved(source: Sections, limit: number, { longest, model = deep }: { longest?: number; model?: ModelConfig } = {}): Promise<string[]> {
  const shape = await shapeOf(source, { longest }, { model });
  expect(runMemory(shape).peak).toBeGreaterThan(limit);
  const fixes = memoryFixes(shape, limit);
  for (const { changes, peak } of fixes) {
    const changed = await shapeOf(source, { longest }, { model, overrides: changes.map(({ key, value }) => `${key}=${value}`) });
    expect(runMemory(changed).peak).toBe(peak);
    expect(peak).toBeLessThanOrEqual(limit);
  }
  return fixes.map(({ changes }) => changes.map(({ key, value }) => `${key}: ${value}`).join(" and "));
}

test("each key that is enough alone with its nearest value, those first that train the same", async () => {
  const run = sft({ trainer: { batchSize: 16 } });
  const half = await peakOf(run, ["trainer.microBatchSize=8"]);
  expect(await proved(run, half)).toEqual(["trainer.gradientCheckpointing: true", "trainer.microBatchSize: 8", "data.maxLength: 128"]);
  // half the length is less than half the rows: attention's scores grow with its square
  expect(await proved(run, half - 1)).toEqual(["trainer.gradientCheckpointing: true", "trainer.microBatchSize: 4", "data.maxLength: 128"]);
});

test("a key that is not enough is not named, nor one that is set already", async () => {
  const run = sft({ trainer: { batchSize: 16 } });
  const quarter = await peakOf(run, ["trainer.microBatchSize=4"]);
  expect(await peakOf(run, ["trainer.gradientCheckpointing=true"])).toBeGreaterThan(quarter - 1);
  expect(await proved(run, quarter - 1)).toEqual(["trainer.microBatchSize: 2", "data.maxLength: 64"]);
  const set = sft({ trainer: { batchSize: 16, gradientCheckpointing: true } });
  expect(await proved(set, await peakOf(set, ["trainer.microBatchSize=8"]))).toEqual(["trainer.microBatchSize: 8", "data.maxLength: 128"]);
});

test("the longest row is what is cut, not the longest that the config allows", async () => {
  const run = sft({ trainer: { batchSize: 16 } });
  const { peak } = runMemory(await shapeOf(run, { longest: 50 }, { model: deep }));
  expect(await proved(run, peak, { longest: 100 })).toContain("data.maxLength: 50");
});

test("keys that are enough only together, and none beside them that is not needed", async () => {
  const run = sft({ data: { train: "rows.jsonl", maxLength: 16 }, trainer: { batchSize: 64 } }); // rows that cannot be cut shorter
  const checkpointed = (rows: number): Promise<number> => peakOf(run, ["trainer.gradientCheckpointing=true", `trainer.microBatchSize=${rows}`]);
  const limit = (await checkpointed(1)) + 1000;
  expect(await peakOf(run, ["trainer.microBatchSize=1"])).toBeGreaterThan(limit);
  expect(await proved(run, limit)).toEqual(["trainer.gradientCheckpointing: true and trainer.microBatchSize: 1"]);
});

test("too large a rollout: fewer rows at a time, or shorter completions", async () => {
  const run = sampling({ data: { train: "rows.jsonl", maxPromptTokens: 32 }, rollout: { numGenerations: 512, maxNewTokens: 256 }, trainer: { microBatchSize: 1 } });
  expect(await proved(run, await peakOf(run, ["rollout.batchSize=1024"]))).toEqual(["rollout.batchSize: 1024", "rollout.maxNewTokens: 32"]);
});

test("random weights get no adapter", async () => {
  const run = sft({ model: { path: "model", init: "random" }, trainer: { batchSize: 1 } });
  expect(memoryFixes(await shapeOf(run), 1e6)).toEqual([]);
});

describeOnOneBackend("weights that are too large", (backend) => {
  const model: ModelConfig = { ...small, hiddenSize: 4096, intermediateSize: 12288, layers: 36, heads: 32, kvHeads: 8, headDim: 128, vocabSize: 151936 };

  test.each([
    [40, "model.lora: {}", true],
    [20, "model.lora: {} and model.baseDtype: bfloat16", false],
    [9, "model.lora: {} and model.baseDtype: int4", false],
  ])("in %d GB: %s", async (gigabytes, fix, anywhere) => {
    const named = await proved(sft({ trainer: { batchSize: 1, gradientCheckpointing: true } }), gigabytes * 1e9, { model });
    expect(named).toEqual(anywhere || backend === "native" ? [fix] : []);
  });

  test("under an adapter: the format alone", async () => {
    const named = await proved(sft({ model: { path: "model", lora: {} }, trainer: { batchSize: 1, gradientCheckpointing: true } }), 10e9, { model });
    expect(named).toEqual(backend === "native" ? ["model.baseDtype: int8"] : []);
  });
});
