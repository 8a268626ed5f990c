import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Rng } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { describeOnWebgpu } from "../../helpers/backends.js";
import { Arrays, fixture, maxDifference, readJson, relativeL2 } from "../../helpers/fixtures.js";
import { fixtureBatch, logProbErrors, lossAndGradients, type FixtureBatch } from "../../helpers/model-batches.js";
import { expectNoLeak } from "../../helpers/tensors.js";

// As in forward.test.ts, which has the other backends' cases.
const LOGITS = 2e-4;
const LOSS = 1e-5;
const GRADIENTS = 1e-3;

await describeOnWebgpu("golden models", () => {
  describe.each(["qwen3", "qwen2", "llama"])("%s", (name) => {
    let model: CausalLM;
    let arrays: Arrays;
    let batch: FixtureBatch;
    beforeAll(async () => {
      model = await CausalLM.load(fixture(`models/${name}`));
      arrays = await Arrays.read(`models/${name}/expected.safetensors`);
      batch = fixtureBatch(arrays, "left.");
    });
    afterAll(() => model.dispose());

    test("logits", () => {
      const logits = model.logits(batch.ids, batch.mask, batch.rows, batch.width);
      const real = Array.from(batch.mask).flatMap((bit) => new Array<number>(model.config.vocabSize).fill(bit));
      expect(maxDifference(logits.dataSync(), arrays.floats("left.logits"), real)).toBeLessThan(LOGITS);
      logits.dispose();
    });

    if (name !== "qwen3") return;

    test("log-probs of every next token, and the entropy at every token", () => {
      const errors = logProbErrors(model, arrays, "left", batch);
      expect(errors.logProbs).toBeLessThan(LOGITS);
      expect(errors.entropy).toBeLessThan(LOGITS);
    });

    test("the loss and the listed gradients, number by number", () => {
      const { loss, gradients } = lossAndGradients(model, batch);
      expect(Math.abs(loss - arrays.floats("left.loss")[0]!)).toBeLessThan(LOSS);
      const listed = arrays.names.filter((key) => key.startsWith("left.grad."));
      expect(listed.length).toBeGreaterThanOrEqual(2);
      for (const key of listed) expect(relativeL2(gradients.get(key.slice("left.grad.".length))!, arrays.floats(key)), key).toBeLessThan(GRADIENTS);
    });

    test("greedy decoding: the same ids and log-probs", async () => {
      const { rows, eos_token_id } = readJson<{ eos_token_id: number[]; rows: { prompt_ids: number[]; new_ids: number[]; logprobs: number[] }[] }>(`models/${name}/generation.json`);
      const greedy = { maxNewTokens: 4, temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: eos_token_id };
      const sampled = await model.generate(rows.map((row) => row.prompt_ids), greedy, new Rng(0));
      rows.forEach((row, i) => {
        expect(sampled[i]!.ids).toEqual(row.new_ids.slice(0, 4));
        expect(maxDifference(sampled[i]!.logProbs, row.logprobs.slice(0, 4))).toBeLessThan(LOGITS);
      });
    });

    test("a training pass and a rollout leave no tensor behind", async () => {
      await expectNoLeak(() => lossAndGradients(model, batch));
      const options = { maxNewTokens: 2, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
      await expectNoLeak(() => model.generate([[5, 6, 7], [8]], options, new Rng(1)));
    });
  });
});
