import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";
import { Rng, type SamplingOptions } from "@verlet/core";
import { CausalLM, parseModelConfig, type ModelConfig } from "@verlet/model";
import { CachedDecoder, compileDecodeStep, type DecodeStep } from "../../../packages/model/dist/decoder.js";
import { assemble, disposeParameters, randomBaseParameters, type ParameterMap } from "../../../packages/model/dist/parameters.js";
import { RotaryAngles } from "../../../packages/model/dist/rotary-table.js";
import type { ModelWeights } from "../../../packages/model/dist/transformer.js";
import { describeOnBackends } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";
import { describeNative } from "../../helpers/native.js";
import { expectNoLeak } from "../../helpers/tensors.js";

const sizes = { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, intermediate_size: 96, vocab_size: 160 };
const json = { ...readJson<Record<string, unknown>>("models/qwen3/config.json"), ...sizes };
const prompts = { ids: Int32Array.of(0, 0, 7, 8, 4, 5, 6, 9), rows: 2, width: 4, padding: Int32Array.of(2, 0) };

describe("the decoder", () => {
  let config: ModelConfig;
  let parameters: ParameterMap;
  let weights: ModelWeights;
  let step: DecodeStep;

  const setUp = (): void => {
    config = parseModelConfig(json, "test");
    parameters = randomBaseParameters(config, "F32", new Rng(3));
    // weights large enough that attention and the choice of tokens depend on the context
    for (const { variable } of parameters.values()) if (variable.rank === 2) tf.tidy(() => variable.assign(tf.mul(variable, 5)));
    weights = assemble(config, parameters, undefined, undefined);
    step = compileDecodeStep(config);
  };
  const tearDown = (): void => {
    step.dispose();
    disposeParameters(parameters);
  };
  const decoder = (options: { inPlace?: boolean; dtype?: "float32" | "bfloat16" } = {}): CachedDecoder =>
    new CachedDecoder(weights, config, new RotaryAngles(config), step, { adapters: true, dtype: "float32", ...options });
  const numbers = (logits: tf.Tensor2D): Float32Array => {
    const read = logits.dataSync<"float32">();
    logits.dispose();
    return read;
  };

  /** Logits of a prompt pass, of each row taken three times, and of steps after which rows leave. */
  function run(own: CachedDecoder, steps: number): Float32Array[] {
    const rng = new Rng(1);
    const seen = [numbers(own.prefill(prompts.ids, prompts.rows, prompts.width, prompts.padding))];
    own.select(Int32Array.of(0, 0, 0, 1, 1, 1));
    let rows = 6;
    for (let i = 0; i < steps; i++) {
      if (i === 20) own.select(Int32Array.of(4, 1));
      if (i === 20) rows = 2;
      seen.push(numbers(own.step(Int32Array.from({ length: rows }, () => rng.below(160)))));
    }
    own.dispose();
    return seen;
  }

  describeOnBackends("on a backend", () => {
    beforeAll(setUp);
    afterAll(tearDown);

    test("a batch of two prompts goes on as each of them alone", () => {
      const both = decoder();
      const first = numbers(both.prefill(prompts.ids, 2, 4, prompts.padding));
      const then = [[3, 4], [5, 6]].map((ids) => numbers(both.step(Int32Array.from(ids))));
      [[7, 8], [4, 5, 6, 9]].forEach((prompt, row) => {
        const alone = decoder();
        const own = (logits: Float32Array): Float32Array => logits.slice(row * 160, (row + 1) * 160);
        expect(maxDifference(numbers(alone.prefill(Int32Array.from(prompt), 1, prompt.length, Int32Array.of(0))), own(first))).toBeLessThan(1e-4);
        [3, 5].forEach((id, i) => expect(maxDifference(numbers(alone.step(Int32Array.of(id + row))), own(then[i]!))).toBeLessThan(1e-4));
        alone.dispose();
      });
      both.dispose();
    });

    test("a session leaves no tensor behind", async () => expectNoLeak(() => run(decoder(), 3)));
  });

  describeNative("written in place", () => {
    beforeAll(async () => {
      await selectBackend("native");
      setUp();
    });
    afterAll(tearDown);

    test("gives what the growing cache gives, through prompts taken several times, rows that leave and more room", () => {
      const [inPlace, growing] = [run(decoder({ inPlace: true }), 70), run(decoder({ inPlace: false }), 70)];
      inPlace.forEach((logits, i) => expect(maxDifference(logits, growing[i]!), `step ${i}`).toBeLessThan(1e-4));
      expect(maxDifference(inPlace[40]!, inPlace[41]!)).toBeGreaterThan(0.1); // the model says something
    });

    test.each<[string, object]>([
      ["biases on q, k and v, no norm of heads", { ...readJson<object>("models/qwen2/config.json"), ...sizes }],
      ["biases everywhere", { ...readJson<object>("models/llama/config.json"), ...sizes, attention_bias: true, mlp_bias: true, tie_word_embeddings: false }],
      ["as many key heads as heads", { ...json, num_key_value_heads: 4 }],
      ["three heads of 80 to a key head", { ...json, num_attention_heads: 6, head_dim: 80 }],
      ["four heads of 32 to a key head", { ...json, num_key_value_heads: 1, head_dim: 32 }],
    ])("the same for other models: %s", (_, other) => {
      const before = { config, weights, step };
      config = parseModelConfig(other, "test");
      const own = randomBaseParameters(config, "F32", new Rng(7));
      tf.tidy(() => [...own.values()].forEach(({ variable }, i) => variable.assign(tf.add(variable.rank === 2 ? tf.mul(variable, 5) : variable, tf.randomNormal(variable.shape, 0, 0.1, "float32", i)))));
      weights = assemble(config, own, undefined, undefined);
      step = compileDecodeStep(config);
      const [inPlace, growing] = [run(decoder({ inPlace: true }), 40), run(decoder({ inPlace: false }), 40)];
      inPlace.forEach((logits, i) => expect(maxDifference(logits, growing[i]!), `step ${i}`).toBeLessThan(1e-4));
      expect(maxDifference(inPlace[30]!, inPlace[31]!)).toBeGreaterThan(0.1);
      step.dispose();
      disposeParameters(own);
      ({ config, weights, step } = before);
    });

    test("many rows are as each of them alone, to the bit", () => {
      const rows = 20;
      const ids = (count: number, step: number): Int32Array => Int32Array.from({ length: count }, (_, row) => (row * 7 + step * 13) % 160);
      const all = decoder();
      all.prefill(prompts.ids, prompts.rows, prompts.width, prompts.padding).dispose();
      all.select(Int32Array.from({ length: rows }, (_, row) => row % 2));
      const few = decoder();
      few.prefill(prompts.ids, prompts.rows, prompts.width, prompts.padding).dispose();
      few.select(Int32Array.of(0, 1, 0));
      for (let i = 0; i < 40; i++) {
        const [many, own] = [numbers(all.step(ids(rows, i))), numbers(few.step(ids(3, i)))];
        expect(maxDifference(many.subarray(0, 3 * 160), own), `step ${i}`).toBe(0);
      }
      all.dispose();
      few.dispose();
    });

    test("holds as many tensors after each step as before", () => {
      const own = decoder();
      own.prefill(prompts.ids, prompts.rows, prompts.width, prompts.padding).dispose();
      own.step(Int32Array.of(1, 2)).dispose();
      const before = tf.memory().numTensors;
      for (let i = 0; i < 40; i++) own.step(Int32Array.of(1, 2)).dispose();
      expect(tf.memory().numTensors).toBe(before);
      own.dispose();
    });

    test("where the step is not one op, as with a vocabulary that no panels divide, one graph serves every number of rows and every length, once it has been traced at two of each", () => {
      const odd = parseModelConfig({ ...json, vocab_size: 161 }, "test");
      const own = randomBaseParameters(odd, "F32", new Rng(3));
      const oddWeights = assemble(odd, own, undefined, undefined);
      const fresh = compileDecodeStep(odd);
      const backend = tf.backend() as unknown as { binding: { addFunction(...given: unknown[]): void } };
      const real = backend.binding;
      let traces = 0;
      const counted = (...given: unknown[]): void => {
        traces += 1;
        real.addFunction(...given);
      };
      backend.binding = new Proxy({} as typeof real, { get: (_, key) => (key === "addFunction" ? counted : (Reflect.get(real, key) as unknown)) });
      const session = (rows: number, width: number, steps: number): number => {
        const decoding = new CachedDecoder(oddWeights, odd, new RotaryAngles(odd), fresh, { adapters: true, dtype: "float32" });
        decoding.prefill(new Int32Array(rows * width), rows, width, new Int32Array(rows)).dispose();
        for (let i = 0; i < steps; i++) decoding.step(new Int32Array(rows)).dispose();
        decoding.dispose();
        return traces;
      };
      try {
        session(3, 4, 40);
        const traced = session(2, 4, 1);
        expect(traced).toBe(3); // at 32 and at 64 columns, and with other rows
        expect(session(5, 70, 60)).toBe(traced);
      } finally {
        backend.binding = real;
        fresh.dispose();
        disposeParameters(own);
      }
    });

    test("bfloat16 weights stay near float32", () => {
      const [half, full] = [run(decoder({ dtype: "bfloat16" }), 12), run(decoder(), 12)];
      const spread = Math.max(...full.flatMap((logits) => [...logits].map(Math.abs)));
      half.forEach((logits, i) => expect(maxDifference(logits, full[i]!) / spread, `step ${i}`).toBeLessThan(0.05)); // 8 bits a product
      expect(maxDifference(half[5]!, full[5]!)).toBeGreaterThan(0);
    });
  });
});

describeOnBackends("a rollout whose rows end early", () => {
  test("gives each row what it gets alone, and the same again from the same seed", async () => {
    const model = CausalLM.random(json, 5);
    const base: SamplingOptions = { maxNewTokens: 40, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
    // every eighth id ends a row: eight rows last 8 tokens on average, and the batch shrinks several times
    const options = { ...base, stopTokenIds: Array.from({ length: 20 }, (_, i) => 8 * i) };
    const given = [[5, 6, 7], [5, 6, 7], [9], [5, 6, 7], [11, 12], [9], [13, 14, 15, 16], [9]];
    const together = await model.generate(given, options, new Rng(4));
    expect(new Set(together.map(({ ids }) => ids.length)).size).toBeGreaterThan(3);
    for (const [i, prompt] of given.entries()) {
      const rng = new Rng(4);
      for (let before = 0; before < i; before++) rng.next(); // the words that seed the rows before it
      const [alone] = await model.generate([prompt], options, rng);
      expect(alone!.ids).toEqual(together[i]!.ids);
      expect(maxDifference(alone!.logProbs, together[i]!.logProbs)).toBeLessThan(5e-5);
    }
    const again = await model.generate(given, options, new Rng(4));
    expect(again.map(({ ids }) => ids)).toEqual(together.map(({ ids }) => ids));
    model.dispose();
  });
});
