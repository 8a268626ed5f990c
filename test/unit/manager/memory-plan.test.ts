import { expect, test } from "vitest";
import { resolveConfig } from "@verlet/config";
import { checkMemory, memoryText } from "@verlet/manager";
import { CausalLM, estimateMemory } from "@verlet/model";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { fixture } from "../../helpers/fixtures.js";

const path = fixture("models/qwen3");
const MIB = 2 ** 20;
const sft = async (model: object = {}, trainer: object = {}) =>
  (await resolveConfig({ algorithm: "sft", model: { path, ...model }, data: { train: "./rows.jsonl", maxLength: 64 }, trainer: { batchSize: 4, ...trainer } })).config;
const lora = { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear" as const, rslora: false, dora: false };

describeOnOneBackend("memory of a run", () => {
  test("the plan names each part by its format, and the rows that the activations are for", async () => {
    const model = await CausalLM.load(path, { lora });
    const { config } = model;
    const { weights, activations, peak } = estimateMemory({ config, lora, baseDtype: "float32", gradientCheckpointing: true, rows: 2, width: 64 });
    const text = memoryText(model, await sft({ lora: { r: 4, dropout: 0 } }, { microBatchSize: 2, gradientCheckpointing: true }))!;
    expect(text).toMatch(`at most about ${(peak / MIB).toFixed(1)} MiB at one time: weights in float32 ${(weights.float32! / MIB).toFixed(1)} MiB, adapter `);
    expect(text).toContain(`activations of 2 × 64 tokens ${(activations / MIB).toFixed(1)} MiB`);
    model.dispose();
  });

  test("a run that cannot fit is stopped, with the keys that would make it fit", async () => {
    const [full, adapter] = [await CausalLM.load(path), await CausalLM.load(path, { lora })];
    const [config, withAdapter] = [await sft(), await sft({ lora: {} })];
    expect(() => checkMemory(full, config, 100 * MIB)).toThrow(/^\[memory\] this run cannot fit: got \d+\.\d MiB for weights, gradients and moments before the first row \(\d+\.\d MiB of weights\), expected at most 100\.0 MiB\. Set model\.lora, and with it model\.baseDtype\.$/);
    expect(() => checkMemory(adapter, withAdapter, 100 * MIB)).toThrow("Set model.baseDtype to bfloat16 or int4.");
    expect(() => checkMemory(full, config, 2000 * MIB)).not.toThrow();
    full.dispose();
    adapter.dispose();
  });

  test("a reference model of its own counts", async () => {
    const model = await CausalLM.load(path);
    const grpo = (klCoef: number) => resolveConfig({ algorithm: "grpo", model: { path }, data: { train: "./rows.jsonl" }, rewards: [{ name: "format", options: { pattern: "x" } }], loss: { klCoef } });
    expect(memoryText(model, (await grpo(0)).config)).not.toContain("reference model");
    expect(memoryText(model, (await grpo(0.1)).config)).toContain("reference model");
    model.dispose();
  });
});
