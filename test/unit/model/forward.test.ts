import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { describeWithAndWithoutGraphs } from "../../helpers/backends.js";
import { Arrays, fixture, maxDifference, readJson, relativeL2 } from "../../helpers/fixtures.js";
import { fixtureBatch, l2, lossAndGradients, logProbErrors, type FixtureBatch, type LossAndGradients } from "../../helpers/model-batches.js";
import { expectNoLeak } from "../../helpers/tensors.js";

interface Expected {
  loss: number;
  grad_norms: Record<string, number>;
  grad_global_norm: number;
}

interface Generation {
  max_new_tokens: number;
  eos_token_id: number[];
  rows: { prompt_ids: number[]; new_ids: number[]; finished_by_eos: boolean; logprobs: number[] }[];
}

// What a float32 implementation with another order of summation should meet; the reference itself spreads by 1e-5 (logits)
// and 5e-6 (gradients, relative).
const LOGITS = 2e-4;
const LOSS = 1e-5;
const GRADIENTS = 1e-3;

const models = ["qwen3", "qwen3-untied-bf16", "qwen3-sharded", "qwen2", "llama"];

describeWithAndWithoutGraphs("golden models", () => {
  describe.each(models)("%s", (name) => {
    let model: CausalLM;
    beforeAll(async () => void (model = await CausalLM.load(fixture(`models/${name}`))));
    afterAll(() => model.dispose());

    describe.each(["left", "right"] as const)("padded on the %s", (side) => {
      let arrays: Arrays;
      let batch: FixtureBatch;
      let result: LossAndGradients;
      const expected = readJson<Record<string, Expected>>(`models/${name}/expected.json`)[side]!;
      beforeAll(async () => {
        arrays = await Arrays.read(`models/${name}/expected.safetensors`);
        batch = fixtureBatch(arrays, `${side}.`);
        result = lossAndGradients(model, batch);
      });

      test("logits", () => {
        const logits = model.logits(batch.ids, batch.mask, batch.rows, batch.width);
        const real = Array.from(batch.mask).flatMap((bit) => new Array<number>(model.config.vocabSize).fill(bit));
        expect(maxDifference(logits.dataSync(), arrays.floats(`${side}.logits`), real)).toBeLessThan(LOGITS);
        logits.dispose();
      });

      test("log-probs of every next token, and the entropy at every token", () => {
        const errors = logProbErrors(model, arrays, side, batch);
        expect(errors.logProbs).toBeLessThan(LOGITS);
        expect(errors.entropy).toBeLessThan(LOGITS);
      });

      test("loss", () => {
        expect(Math.abs(result.loss - expected.loss)).toBeLessThan(LOSS);
        expect(Math.abs(result.loss - arrays.floats(`${side}.loss`)[0]!)).toBeLessThan(LOSS);
      });

      test(`norms of all ${Object.keys(expected.grad_norms).length} gradients, and of all together`, () => {
        expect([...result.gradients.keys()].sort()).toEqual(Object.keys(expected.grad_norms).sort());
        for (const [parameter, norm] of Object.entries(expected.grad_norms)) {
          expect(Math.abs(l2(result.gradients.get(parameter)!) / norm - 1), parameter).toBeLessThan(GRADIENTS);
        }
        expect(Math.abs(result.globalNorm / expected.grad_global_norm - 1)).toBeLessThan(GRADIENTS);
      });

      test("the listed gradients, number by number", () => {
        const listed = arrays.names.filter((key) => key.startsWith(`${side}.grad.`));
        expect(listed.length).toBeGreaterThanOrEqual(2);
        for (const key of listed) {
          expect(relativeL2(result.gradients.get(key.slice(`${side}.grad.`.length))!, arrays.floats(key)), key).toBeLessThan(GRADIENTS);
        }
      });
    });

    describe("greedy decoding", () => {
      const { rows, max_new_tokens, eos_token_id } = readJson<Generation>(`models/${name}/generation.json`);
      const greedy = { maxNewTokens: max_new_tokens, temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: eos_token_id };

      test(`${rows.length} prompts of different length in one batch: the same ids, log-probs and ends`, async () => {
        const sampled = await model.generate(rows.map((row) => row.prompt_ids), greedy, new Rng(0));
        rows.forEach((row, i) => {
          expect(sampled[i]!.ids).toEqual(row.new_ids);
          expect(sampled[i]!.finished).toBe(row.finished_by_eos);
          expect(maxDifference(sampled[i]!.logProbs, row.logprobs)).toBeLessThan(LOGITS);
        });
      });

      test("each prompt alone", async () => {
        for (const row of rows) {
          const [sampled] = await model.generate([row.prompt_ids], greedy, new Rng(0));
          expect(sampled!.ids).toEqual(row.new_ids);
          expect(maxDifference(sampled!.logProbs, row.logprobs)).toBeLessThan(LOGITS);
        }
      });
    });
  });

  test("a training pass and a rollout leave no tensor behind", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const batch = fixtureBatch(await Arrays.read("models/qwen3/expected.safetensors"), "right.");
    await expectNoLeak(() => lossAndGradients(model, batch));
    const options = { maxNewTokens: 3, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
    await expectNoLeak(() => model.generate([[5, 6, 7], [8]], options, new Rng(1)));
    await expectNoLeak(() => model.logits(batch.ids, batch.mask, batch.rows, batch.width).dispose());
    const widths = (from: number): void => {
      for (let width = from; width < from + 20; width++) {
        const tokens = { ids: new Int32Array(width), lengths: Int32Array.of(width), rows: 1, width };
        tf.tidy(() => void model.logProbs(tokens, { positions: Int32Array.of(1) }, { temperature: 1 }));
      }
    };
    widths(2);
    const masked = tf.memory().numTensors; // masks of a few widths are kept
    widths(30);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(masked + 16);
    const before = tf.memory().numTensors;
    const another = await CausalLM.load(fixture("models/qwen3"));
    lossAndGradients(another, batch);
    another.dispose();
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });
});
