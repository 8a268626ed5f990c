import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { Rng, type TokenBatch } from "@verlet/core";
import { CausalLM, readSafetensors, ValueModel, type LoraConfig } from "@verlet/model";
import { useBackend } from "../../helpers/backends.js";
import { fixture, maxDifference, relativeL2 } from "../../helpers/fixtures.js";
import { describeNative } from "../../helpers/native.js";

const BF16 = fixture("models/qwen3-untied-bf16");
const QWEN3 = fixture("models/qwen3");
const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear", rslora: false, dora: false };
const tokens: TokenBatch = { ids: Int32Array.from({ length: 24 }, (_, i) => (5 * i) % 60), lengths: Int32Array.of(12, 12), rows: 2, width: 12 };
const selection = { positions: Int32Array.of(1, 2, 3, 10, 11, 13, 20, 23) };

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "verlet-base-dtype-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

function disturb({ trainable }: Pick<CausalLM, "trainable">): void {
  const rng = new Rng(3);
  for (const { variable } of trainable) tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(Float32Array.from({ length: variable.size }, () => 0.05 * rng.normal()), variable.shape))));
}

const logProbs = (model: CausalLM): Float32Array => tf.tidy(() => Float32Array.from(model.logProbs(tokens, selection, { temperature: 1 }).logProbs.dataSync()) as never);
const dataOf = async (path: string): Promise<Map<string, Uint8Array>> => new Map([...(await readSafetensors(join(path, "model.safetensors")))].map(([name, { data }]) => [name, data]));

describeNative("model.baseDtype", () => {
  beforeAll(() => useBackend("native"));

  test("bfloat16 over a bfloat16 file: nothing changes but the memory, which halves", async () => {
    const before = tf.memory().numBytes;
    const full = await CausalLM.load(BF16, { lora });
    const between = tf.memory().numBytes;
    const half = await CausalLM.load(BF16, { lora, baseDtype: "bfloat16" });
    const after = tf.memory().numBytes;
    disturb(full);
    disturb(half);
    expect(maxDifference(logProbs(half), logProbs(full))).toBeLessThan(1e-5); // the head's chunks are added up in another order
    const adapter = full.trainable.reduce((sum, { variable }) => sum + 4 * variable.size, 0);
    const norms = full.parameters.reduce((sum, parameter) => sum + ("variable" in parameter && parameter.variable.rank === 1 ? 4 * parameter.variable.size : 0), 0);
    expect(after - between - adapter - norms).toBe((between - before - adapter - norms) / 2);
    full.dispose();
    half.dispose();
    expect(tf.memory().numBytes).toBe(before);
  });

  test.each([["int8", 0.01], ["int4", 0.2]] as const)("%s: log-probs stay within %d of float32's", async (baseDtype, tolerance) => {
    const [full, few] = [await CausalLM.load(QWEN3, { lora }), await CausalLM.load(QWEN3, { lora, baseDtype })];
    expect(relativeL2(logProbs(few), logProbs(full))).toBeLessThan(tolerance);
    expect(relativeL2(logProbs(few), logProbs(full))).toBeGreaterThan(0);
    full.dispose();
    few.dispose();
  });

  test.each(["bfloat16", "int8", "int4"] as const)("%s: merging takes the file's weights, not the rounded ones; the adapter is saved as ever", async (baseDtype) => {
    const [full, few] = [await CausalLM.load(QWEN3, { lora }), await CausalLM.load(QWEN3, { lora, baseDtype })];
    disturb(full);
    disturb(few);
    await full.saveMerged(join(folder, "full"));
    await few.saveMerged(join(folder, "few"));
    expect(await dataOf(join(folder, "few"))).toEqual(await dataOf(join(folder, "full")));
    await few.save(join(folder, "adapter"));
    const again = await CausalLM.load(QWEN3, { adapter: join(folder, "adapter"), baseDtype });
    expect(logProbs(again)).toEqual(logProbs(few));
    for (const model of [full, few, again]) model.dispose();
  });

  test("int4: it samples, leaves no tensor behind, and lends its weights to a copy and to a value model", async () => {
    const before = tf.memory().numTensors;
    const model = await CausalLM.load(QWEN3, { lora, baseDtype: "int4" });
    const loaded = tf.memory().numTensors;
    const options = { maxNewTokens: 4, temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
    const rows = await model.generate([[1, 2, 3], [4, 5]], options, new Rng(1));
    expect(rows.map(({ ids }) => ids.length)).toEqual([4, 4]);
    const once = tf.memory().numTensors;
    await model.generate([[1, 2, 3], [4, 5]], options, new Rng(1));
    expect(tf.memory().numTensors).toBe(once);
    const copy = await model.withOwnAdapter();
    expect(logProbs(copy)).toEqual(logProbs(model));
    const critic = await ValueModel.load(QWEN3, { lora, base: model.parameters });
    expect(tf.tidy(() => critic.values(tokens, selection).shape as never)).toEqual([8]);
    critic.dispose();
    copy.dispose();
    model.dispose();
    expect(tf.memory().numTensors - (once - loaded)).toBeLessThanOrEqual(before + 3); // the tables of NF4 are made once
  });

  test("is refused where all weights are trained", async () => {
    await expect(CausalLM.load(QWEN3, { baseDtype: "int8" })).rejects.toThrow(
      "[model.baseDtype] all weights are trained, and trained weights stay float32: got int8, expected float32, or an adapter over frozen weights. Set model.lora, or leave the key out.",
    );
  });

  test("is refused on another backend", async () => {
    await useBackend("wasm");
    await expect(CausalLM.load(QWEN3, { lora, baseDtype: "bfloat16" })).rejects.toThrow("[model.baseDtype] this backend keeps weights as float32 alone: got bfloat16 on wasm");
    await useBackend("native");
  });
});
