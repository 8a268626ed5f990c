/** Rows of one prompt, whose beginning is computed once, are to the model what they are alone. */
import { expect, test } from "vitest";
import { gradientsOf, tf } from "@verlet/backend";
import { Rng, type TokenBatch } from "@verlet/core";
import { collate } from "@verlet/data";
import { CausalLM, parseModelConfig, type LoraConfig } from "@verlet/model";
import { sharedPrefixes } from "../../../packages/model/dist/shared-prefixes.js";
import { describeOnBackendsAndWebgpu } from "../../helpers/backends.js";
import { fixture, maxDifference, relativeL2 } from "../../helpers/fixtures.js";
import { expectNoLeak, randomTensor } from "../../helpers/tensors.js";

const config = parseModelConfig({
  model_type: "qwen3", vocab_size: 1000, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16,
  intermediate_size: 128, rms_norm_eps: 1e-6, tie_word_embeddings: true,
}, "test");
const rng = new Rng(7);
const tokensOf = (count: number): number[] => Array.from({ length: count }, () => 5 + rng.below(330));

/** Three completions of one prompt, the second empty; two of another; a row of its own. All begin with the same two tokens. */
const [first, second] = [tokensOf(12), tokensOf(9)];
const system = tokensOf(2);
const rows = [
  [...system, ...first, 1, ...tokensOf(4)],
  [...system, ...first],
  [...system, ...first, 2, ...tokensOf(6)],
  [...system, ...second, 3, ...tokensOf(3)],
  [...system, ...second, 4],
  [...system, ...tokensOf(7)],
];

test("one row for each prompt: its tokens once, then what follows them, with the places they had", () => {
  const prompt = [7, 8, 9, 10, 11, 12, 13, 14];
  const tokens = collate([[...prompt, 1, 2], [...prompt, 3], [...prompt, 4, 5, 6]], 0);
  const { ids, rows, width, positions, sequences, places } = sharedPrefixes(tokens, config)!;
  expect([rows, width]).toEqual([1, 14]);
  expect([...ids]).toEqual([...prompt, 1, 2, 3, 4, 5, 6]);
  expect([...positions!]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 8, 9, 10]);
  expect([...sequences!]).toEqual([-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 1, 2, 2, 2]);
  expect([...places]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, /**/ 0, 1, 2, 3, 4, 5, 6, 7, 10, -1, -1, /**/ 0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13]);
});

test("prompts are told apart though all begin alike, and the rest of a shorter row is padding", () => {
  const shared = sharedPrefixes(collate(rows.slice(0, 5), 0), config)!;
  expect([shared.rows, shared.width]).toEqual([2, 14 + 5 + 7]);
  expect([...shared.sequences!.subarray(26)].slice(0, 18)).toEqual([...Array<number>(11).fill(-1), 0, 0, 0, 0, 1, 2, 2]);
});

test.each<[string, TokenBatch]>([
  ["one row", collate([rows[0]!], 0)],
  ["rows that share nothing", collate([first, second, tokensOf(10)], 0)],
  ["rows that share too little", collate([[1, ...tokensOf(20)], [1, ...tokensOf(20)], [1, ...tokensOf(20)]], 0)],
  ["rows of which one would make the others wide", collate([...Array.from({ length: 6 }, () => tokensOf(10)), [...first, 1], [...first, 2]], 0)],
  ["packed rows", { ...collate(rows.slice(0, 3), 0), starts: new Int32Array(3 * 21) }],
])("%s stay as they are", (_, tokens) => expect(sharedPrefixes(tokens, config)).toBeUndefined());

const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear", rslora: false, dora: false };

interface Result {
  logProbs: number[];
  entropy: number[];
  gradients: Float32Array[];
}

/** Log-probs of all tokens but each row's first, and the gradients of Σ log-probs · weights. */
function run(model: CausalLM, chosen: readonly number[]): Result {
  const tokens = collate(chosen.map((row) => rows[row]!), 0);
  expect(sharedPrefixes(tokens, model.config) !== undefined).toBe(chosen.length > 1);
  const positions = Int32Array.from(chosen.flatMap((row, i) => rows[row]!.slice(1).map((_, t) => i * tokens.width + t + 1)));
  const weights = tf.tensor1d(chosen.flatMap((row) => rows[row]!.slice(1).map((_, t) => Math.sin(10 * row + t))));
  let kept!: tf.Tensor1D[];
  const { value, gradients } = gradientsOf(() => {
    const { logProbs, entropy } = model.logProbs(tokens, { positions }, { temperature: 0.8, entropy: true });
    kept = [tf.keep(logProbs.clone()), tf.keep(entropy!.clone())];
    return tf.sum(tf.mul(logProbs, weights)) as tf.Scalar;
  }, model.trainable.map(({ variable }) => variable));
  const result = { logProbs: [...kept[0]!.dataSync()], entropy: [...kept[1]!.dataSync()], gradients: gradients.map((g) => Float32Array.from(g.dataSync())) };
  tf.dispose([value, ...gradients, ...kept, weights]);
  return result;
}

/** The same of one row after the other. */
function runApart(model: CausalLM): Result {
  const results = rows.map((_, row) => run(model, [row]));
  return {
    logProbs: results.flatMap(({ logProbs }) => logProbs),
    entropy: results.flatMap(({ entropy }) => entropy),
    gradients: results[0]!.gradients.map((gradient, i) => gradient.map((_, k) => results.reduce((sum, { gradients }) => sum + gradients[i]![k]!, 0))),
  };
}

await describeOnBackendsAndWebgpu("rows of one prompt", () => {
  test.each([["qwen3", undefined, false], ["llama", lora, false], ["qwen2", undefined, true]] as const)("%s: log-probs, entropy and gradients are those of rows apart", async (name, adapter, checkpointing) => {
    const model = await CausalLM.load(fixture(`models/${name}`), { ...(adapter && { lora: adapter }) });
    for (const { name, variable } of model.trainable) if (name.includes("lora_B")) tf.tidy(() => variable.assign(tf.mul(randomTensor(variable.shape as [number, number], 5), 0.1))); // a fresh one is 0
    model.setGradientCheckpointing(checkpointing);
    const [together, apart] = [run(model, [0, 1, 2, 3, 4, 5]), runApart(model)];
    expect(maxDifference(together.logProbs, apart.logProbs)).toBeLessThan(1e-5);
    expect(maxDifference(together.entropy, apart.entropy)).toBeLessThan(1e-5);
    together.gradients.forEach((gradient, i) => expect(relativeL2(gradient, apart.gradients[i]!), model.trainable[i]!.name).toBeLessThan(1e-5));
    await expectNoLeak(() => run(model, [0, 1, 2, 3, 4, 5]));
    model.dispose();
  });

  test.each([["no adapter", undefined, false], ["an adapter that drops nothing", lora, false], ["an adapter that drops", { ...lora, dropout: 0.5 }, true]] as const)("with a seed for dropout and %s", async (_, adapter, drops) => {
    const model = await CausalLM.load(fixture("models/qwen3"), { ...(adapter && { lora: adapter }) });
    const tokens = collate(rows, 0);
    const pass = (dropout?: Rng): unknown => model.logProbs(tokens, { positions: Int32Array.of(3, 5) }, { temperature: 1, ...(dropout && { dropout }) }).logProbs;
    const whole = [tokens.rows * tokens.width, model.config.hiddenSize].join();
    const passesOverAll = async (dropout?: Rng): Promise<boolean> => {
      const { kernels } = await tf.profile(() => tf.tidy(() => void pass(dropout)));
      return kernels.some(({ outputShapes }) => outputShapes.some((shape) => shape.join() === whole));
    };
    expect(await passesOverAll()).toBe(false);
    expect(await passesOverAll(new Rng(1))).toBe(drops);
    model.dispose();
  });
});
