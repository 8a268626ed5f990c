import { expect, test } from "vitest";
import { leastMemory, runMemory } from "@verlet/manager";
import { estimateMemory } from "@verlet/model";
import { ADAPTER, BODY, EMBEDDING, lora, sampling, sft, shapeOf, small } from "./memory-shapes.js";

test("rows and tokens of supervised training: the micro-batch, and the longest row where it is known", async () => {
  const batch = { trainer: { batchSize: 6 } };
  expect(runMemory(await shapeOf(sft(batch)))).toMatchObject({ rows: 6, width: 256 });
  expect(runMemory(await shapeOf(sft(batch), { longest: 40 }))).toMatchObject({ rows: 6, width: 40 });
  expect(runMemory(await shapeOf(sft({ trainer: { batchSize: 6, microBatchSize: 4 } })))).toMatchObject({ rows: 4 });
  expect(runMemory(await shapeOf(sft({ trainer: { batchSize: 6, microBatchSize: 8 } })))).toMatchObject({ rows: 6 });
});

test("rows and tokens of sampling: prompts times completions, a mini-batch of them at a time", async () => {
  const rollout = { numGenerations: 4, maxNewTokens: 20 };
  const trainer = { batchSize: 3 };
  const all = await shapeOf(sampling({ rollout, trainer }), { longest: 10 });
  const { policy, ...rest } = runMemory(all);
  expect(rest).toMatchObject({ rows: 12, width: 30 });
  expect(policy).toEqual(estimateMemory({ config: small, lora: undefined, baseDtype: "float32", computeDtype: "float32", gradientCheckpointing: false, rows: 12, width: 30, rollout: { rows: 12, width: 30 } }));
  expect(runMemory(await shapeOf(sampling({ rollout, trainer })))).toMatchObject({ width: 512 + 20 });
  expect(runMemory(await shapeOf(sampling({ rollout, trainer, loss: { miniBatches: 5 } })))).toMatchObject({ rows: 3 });
  const cache = async (batchSize: number): Promise<number> => runMemory(await shapeOf(sampling({ rollout: { ...rollout, maxNewTokens: 990, batchSize }, trainer }), { longest: 10 })).policy.rollout;
  expect((await cache(0)) - (await cache(2))).toBe(4 * (12 - 2) * 1000 * 2 * 2 * 32); // of ten rows: two layers' keys and values of two heads
});

test("a reference model counts where it is loaded a second time: not as the model under a fresh adapter", async () => {
  const kl = { loss: { klCoef: 0.1 } };
  expect(runMemory(await shapeOf(sampling())).reference).toBe(0);
  const whole = runMemory(await shapeOf(sampling(kl)));
  expect(whole.reference).toBe(4 * (BODY + EMBEDDING));
  expect(whole.peak).toBe(whole.policy.peak + whole.reference);
  expect(runMemory(await shapeOf(sampling({ ...kl, model: { path: "model", lora: {} } }))).reference).toBe(0);
  const continued = await shapeOf(sampling({ ...kl, model: { path: "model", adapter: "adapter" } }), { model: { config: small, lora } });
  expect(runMemory(continued).reference).toBe(4 * (BODY + EMBEDDING + ADAPTER));
});

test("a critic has weights and moments of its own, under LoRA an adapter over the policy's weights; its head gives one number", async () => {
  const beside = async (model: object, more = {}): Promise<object> => {
    const { companions, policy, reference, peak } = runMemory(await shapeOf(sampling({ algorithm: "ppo", model: { path: "model", ...model } }), more));
    expect(peak).toBe(policy.peak + reference + companions["critic"]!.bytes);
    return companions;
  };
  const body = BODY + EMBEDDING + 64 + 1;
  expect(await beside({})).toEqual({ critic: { bytes: 3 * 4 * body, trained: body } });
  const untied = { model: { config: { ...small, tiedEmbeddings: false }, lora: undefined } };
  expect(await beside({}, untied)).toEqual({ critic: { bytes: 3 * 4 * body, trained: body } });
  const adapter = await beside({ lora: {} }, { model: { config: small, lora } });
  expect(adapter).toEqual({ critic: { bytes: 3 * 4 * (ADAPTER + 65), trained: ADAPTER + 65 } });
});

test("PRIME: the policy, its reward model and the reference of both", async () => {
  const all = BODY + EMBEDDING;
  expect(runMemory(await shapeOf(sampling({ algorithm: "prime" })))).toMatchObject({
    trained: all,
    reference: 4 * all,
    companions: { "reward-model": { bytes: 3 * 4 * all, trained: all } },
  });
});

test("the least is what is there before the rows: no more than a row of two tokens", async () => {
  const run = await shapeOf(sft());
  const { policy, rows, width } = leastMemory(run);
  expect({ rows, width }).toEqual({ rows: 1, width: 2 });
  const held = 4 * 4 * (BODY + EMBEDDING);
  expect(policy.peak - policy.process).toBeGreaterThanOrEqual(held);
  expect(policy.peak - policy.process).toBeLessThan(1.1 * held + 8 * EMBEDDING);
});
