import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { Rng, type ChatTokenizer, type Policy, type Prompt, type SampledRow, type SamplingOptions } from "@verlet/core";
import { CausalLM } from "@verlet/model";
import { sampleBatch, sampleGroups, type Decoder } from "@verlet/rollout";
import { describeOnBackends, describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, maxDifference } from "../../helpers/fixtures.js";

const VOCABULARY = 10;
const STOP = 9;
const base: SamplingOptions = { maxNewTokens: 6, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [STOP] };

/** Makes each row say its own script, and notes what it was given. */
class ScriptedDecoder implements Decoder {
  readonly prefills: { ids: number[]; rows: number; width: number; padding: number[] }[] = [];
  readonly steps: number[][] = [];
  readonly selections: number[][] = [];
  #scripts: readonly (readonly number[])[];

  constructor(scripts: readonly (readonly number[])[]) {
    this.#scripts = scripts;
  }

  prefill(ids: Int32Array, rows: number, width: number, padding: Int32Array): tf.Tensor2D {
    this.prefills.push({ ids: [...ids], rows, width, padding: [...padding] });
    return this.#logits(0);
  }

  select(rows: Int32Array): void {
    this.selections.push([...rows]);
    this.#scripts = Array.from(rows, (row) => this.#scripts[row]!);
  }

  step(ids: Int32Array): tf.Tensor2D {
    this.steps.push([...ids]);
    return this.#logits(this.steps.length);
  }

  #logits(at: number): tf.Tensor2D {
    return tf.tensor2d(this.#scripts.map((script) => Array.from({ length: VOCABULARY }, (_, id) => (id === (script[at] ?? 0) ? 50 : 0))));
  }
}

describeOnOneBackend("sampleBatch", () => {
  const say = async (scripts: number[][], options: Partial<SamplingOptions> = {}): Promise<{ rows: SampledRow[]; decoder: ScriptedDecoder }> => {
    const decoder = new ScriptedDecoder(scripts);
    const rows = await sampleBatch(decoder, scripts.map((_, i) => [i]), { ...base, ...options }, new Rng(1));
    return { rows, decoder };
  };

  test("pads prompts on the left and says by how much", async () => {
    const decoder = new ScriptedDecoder([[STOP], [STOP]]);
    await sampleBatch(decoder, [[1, 2, 3], [4]], base, new Rng(1));
    expect(decoder.prefills).toEqual([{ ids: [1, 2, 3, 0, 0, 4], rows: 2, width: 3, padding: [0, 2] }]);
  });

  test("keeps the stop token, says which rows finished, and goes on until all have", async () => {
    const { rows, decoder } = await say([[3, STOP, 4, 4], [5, 6, 7, STOP]]);
    expect(rows.map(({ ids }) => ids)).toEqual([[3, STOP], [5, 6, 7, STOP]]);
    expect(rows.map(({ finished }) => finished)).toEqual([true, true]);
    expect(rows.map(({ logProbs }) => logProbs.length)).toEqual([2, 4]);
    expect(decoder.steps).toEqual([[3, 5], [6], [7]]);
  });

  test("finished rows leave once they are a quarter of the batch; until then they stay and say nothing", async () => {
    const { rows, decoder } = await say([[3, 3, 3, STOP], [STOP], [4, 4, STOP], [5, STOP], [6, 6, 6, 6, STOP], [7, 7, STOP], [8, 8, 8, STOP], [2, 2, 2, STOP]]);
    expect(rows.map(({ ids }) => ids)).toEqual([[3, 3, 3, STOP], [STOP], [4, 4, STOP], [5, STOP], [6, 6, 6, 6, STOP], [7, 7, STOP], [8, 8, 8, STOP], [2, 2, 2, STOP]]);
    expect(decoder.steps.map((ids) => ids.length)).toEqual([8, 6, 4, 1]);
    expect(decoder.selections).toEqual([[0, 2, 4, 5, 6, 7], [0, 2, 4, 5], [1]]);
  });

  test("equal prompts are computed once, and each row still draws for itself", async () => {
    const decoder = new ScriptedDecoder([[3, STOP], [4, STOP]]);
    const rows = await sampleBatch(decoder, [[1, 2], [1, 2], [5], [1, 2]], base, new Rng(1));
    expect(decoder.prefills).toEqual([{ ids: [1, 2, 0, 5], rows: 2, width: 2, padding: [0, 1] }]);
    expect(decoder.selections[0]).toEqual([0, 0, 1, 0]);
    expect(rows.map(({ ids }) => ids)).toEqual([[3, STOP], [3, STOP], [4, STOP], [3, STOP]]);
  });

  test("any of several stop tokens ends a row", async () => {
    const { rows } = await say([[3, 8, 4], [STOP, 3, 4], [2, 2, 7]], { stopTokenIds: [7, 8, STOP] });
    expect(rows.map(({ ids }) => ids)).toEqual([[3, 8], [STOP], [2, 2, 7]]);
  });

  test("maxNewTokens ends a row without its being finished; a stop token in the last place finishes it", async () => {
    const { rows, decoder } = await say([[3, 4, 5, 6], [3, 4, STOP, 6]], { maxNewTokens: 3 });
    expect(rows.map(({ ids }) => ids)).toEqual([[3, 4, 5], [3, 4, STOP]]);
    expect(rows.map(({ finished }) => finished)).toEqual([false, true]);
    expect(decoder.steps).toHaveLength(2);
  });

  test("the repetition penalty covers the prompt and what was said since", async () => {
    // 50 / 1000 = 0.05 leaves a repeated token barely above the others' 0, so greedy takes it only when nothing is better
    const script: Decoder = {
      prefill: () => tf.tensor2d([[5, 4, 3, 2]]),
      select: () => undefined,
      step: () => tf.tensor2d([[5, 4, 3, 2]]),
    };
    const [row] = await sampleBatch(script, [[0]], { ...base, temperature: 0, repetitionPenalty: 100, maxNewTokens: 3 }, new Rng(1));
    expect(row!.ids).toEqual([1, 2, 3]);
  });

  test("no prompts give no rows", async () => {
    expect(await sampleBatch(new ScriptedDecoder([]), [], base, new Rng(1))).toEqual([]);
  });

  test("every logits tensor is freed", async () => {
    const before = tf.memory().numTensors;
    await say([[3, 4, STOP], [3, 4, 5, 6, 7, 8]]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

const prompts = [[5, 60, 7, 81, 12], [200, 3], [33, 34, 35, 36, 37, 38, 39, 40]];
const options: SamplingOptions = { ...base, maxNewTokens: 12, temperature: 0.8, stopTokenIds: [362, 360] };

describeOnBackends("sampling from a model", () => {
  let model: CausalLM;
  beforeAll(async () => void (model = await CausalLM.load(fixture("models/qwen3"))));
  afterAll(() => model.dispose());

  test("the log-probs as sampled are those of the training forward at the same temperature", async () => {
    const rows = await model.generate(prompts, options, new Rng(8));
    const width = Math.max(...rows.map(({ ids }, i) => prompts[i]!.length + ids.length));
    const tokens = { ids: new Int32Array(rows.length * width), lengths: Int32Array.from(rows, ({ ids }, i) => prompts[i]!.length + ids.length), rows: rows.length, width };
    const positions: number[] = [];
    rows.forEach(({ ids }, row) => {
      tokens.ids.set([...prompts[row]!, ...ids], row * width);
      ids.forEach((_, i) => positions.push(row * width + prompts[row]!.length + i));
    });
    const trained = tf.tidy(() => model.logProbs(tokens, { positions: Int32Array.from(positions) }, { temperature: 0.8 }).logProbs.dataSync());
    const sampled = rows.flatMap(({ logProbs }) => [...logProbs]);
    expect(sampled.length).toBeGreaterThan(12);
    // two float32 passes with other orders of summation; the reference's own spread is 1e-5 on logits of up to 20
    expect(maxDifference(sampled, trained)).toBeLessThan(5e-5);
  });

  test("what a row draws does not depend on the rows beside it", async () => {
    const together = await model.generate(prompts, options, new Rng(4));
    for (const [i, prompt] of prompts.entries()) {
      const rng = new Rng(4);
      for (let before = 0; before < i; before++) rng.next(); // the words that seed the rows before it
      const [alone] = await model.generate([prompt], options, rng);
      expect(alone!.ids).toEqual(together[i]!.ids);
      expect(alone!.finished).toBe(together[i]!.finished);
      expect(maxDifference(alone!.logProbs, together[i]!.logProbs)).toBeLessThan(5e-5);
    }
    expect(new Set(together.map(({ ids }) => ids.join())).size).toBe(3);
  });

  test("the same seed draws the same, another draws something else", async () => {
    const draw = async (seed: number): Promise<number[][]> => (await model.generate(prompts, options, new Rng(seed))).map(({ ids }) => ids);
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });
});

describe("sampleGroups", () => {
  const tokenizer = { stopTokenIds: [7, 8], decode: (ids: readonly number[], o?: { skipSpecialTokens?: boolean }) => `${o?.skipSpecialTokens}:${ids.join("-")}` } as unknown as ChatTokenizer;
  const asked: Prompt[] = [[1, 2], [3], [4, 5, 6]].map((ids) => ({ ids, text: ids.join(" "), row: {} }));
  const section = { maxNewTokens: 4, temperature: 1, topP: 0.9, topK: 5, minP: 0.1, repetitionPenalty: 1.1, numGenerations: 4 };

  /** Takes one word a row, as sampleBatch does, and answers with it. */
  const calls: { prompts: readonly (readonly number[])[]; options: SamplingOptions }[] = [];
  const policy: Pick<Policy, "generate"> = {
    generate: (given, sampling, rng) => {
      calls.push({ prompts: given, options: sampling });
      return Promise.resolve(given.map((ids) => ({ ids: [...ids, Number(rng.next() % 1000n)], logProbs: new Float32Array(ids.length + 1), finished: true })));
    },
  };

  test("G rows of each prompt side by side, numbered by group from the first", async () => {
    const rollouts = await sampleGroups(policy, tokenizer, asked, section, new Rng(1), 10);
    expect(rollouts.map(({ group }) => group)).toEqual([10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12]);
    expect(rollouts.map(({ prompt }) => prompt)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2].map((i) => asked[i]));
    expect(rollouts[0]!.completion).toBe(`true:${rollouts[0]!.completionIds.join("-")}`);
    expect(new Set(rollouts.map(({ completionIds }) => completionIds.at(-1))).size).toBe(12);
  });

  test("the section's sampling options and the tokenizer's stop tokens reach the policy", async () => {
    calls.length = 0;
    await sampleGroups(policy, tokenizer, asked, section, new Rng(1));
    const { numGenerations: _, ...sampling } = section;
    expect(calls.map(({ options: given }) => given)).toEqual([{ ...sampling, stopTokenIds: [7, 8] }]);
  });

  test.each([1, 5, 12, 100])("batches of %i rows draw the same", async (batchSize) => {
    const whole = await sampleGroups(policy, tokenizer, asked, section, new Rng(6));
    calls.length = 0;
    expect(await sampleGroups(policy, tokenizer, asked, { ...section, batchSize }, new Rng(6))).toEqual(whole);
    expect(calls.map((call) => call.prompts.length)).toEqual(Array.from({ length: Math.ceil(12 / batchSize) }, (_, i) => Math.min(batchSize, 12 - i * batchSize)));
  });

  test("no prompts give no rollouts", async () => {
    expect(await sampleGroups(policy, tokenizer, [], section, new Rng(1))).toEqual([]);
  });
});

describeOnOneBackend("sampleGroups over a model", () => {
  test("batches of 2 rows draw the same tokens as one of 6", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const tokenizer = { stopTokenIds: [362, 360], decode: (ids: readonly number[]) => ids.join() } as unknown as ChatTokenizer;
    const section = { ...options, numGenerations: 2 };
    const given = prompts.map((ids) => ({ ids, text: "", row: {} }));
    const [whole, parts] = [await sampleGroups(model, tokenizer, given, section, new Rng(3)), await sampleGroups(model, tokenizer, given, { ...section, batchSize: 2 }, new Rng(3))];
    expect(parts.map(({ completionIds }) => completionIds)).toEqual(whole.map(({ completionIds }) => completionIds));
    model.dispose();
  });
});
