import { expect, test } from "vitest";
import { gradientsOf, tf } from "@verlet/backend";
import { Rng, type TokenBatch } from "@verlet/core";
import { CausalLM, ValueModel, type LoraConfig } from "@verlet/model";
import { describeOnBackends, describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, maxDifference } from "../../helpers/fixtures.js";
import { peakBytes } from "../../helpers/peak-bytes.js";
import { expectNoLeak } from "../../helpers/tensors.js";

const ROWS = 3;
const WIDTH = 24;
const tokens: TokenBatch = { ids: Int32Array.from({ length: ROWS * WIDTH }, (_, i) => (7 * i) % 90), lengths: new Int32Array(ROWS).fill(WIDTH), rows: ROWS, width: WIDTH };
const selection = { positions: Int32Array.from({ length: ROWS * (WIDTH - 1) }, (_, i) => i + 1 + Math.floor(i / (WIDTH - 1))) };
const lora = (dropout: number, dora = false): LoraConfig => ({ r: 4, alpha: 8, dropout, targetModules: "all-linear", rslora: false, dora });

/** Draws every trained weight anew, so that no gradient vanishes. */
function disturb({ trainable }: Pick<CausalLM, "trainable">): void {
  const rng = new Rng(3);
  for (const { variable } of trainable) tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(Float32Array.from({ length: variable.size }, () => 0.05 * rng.normal()), variable.shape))));
}

/** Loss and all gradients, with the same dropout each time. */
function pass(model: CausalLM | ValueModel, on: boolean): { loss: number; gradients: Float32Array; after: string } {
  model.setGradientCheckpointing(on);
  const dropout = new Rng(5);
  const loss = (): tf.Scalar =>
    tf.neg(tf.mean(model instanceof CausalLM ? model.logProbs(tokens, selection, { temperature: 1, dropout }).logProbs : tf.square(model.values(tokens, selection, { dropout }))));
  const { value, gradients } = gradientsOf(loss, model.trainable.map(({ variable }) => variable));
  const result = { loss: value.dataSync()[0]!, gradients: Float32Array.from(gradients.flatMap((gradient) => [...gradient.dataSync()])), after: dropout.save() };
  tf.dispose([value, gradients]);
  return result;
}

describeOnBackends("gradient checkpointing", () => {
  test.each([
    ["qwen3", undefined],
    ["qwen3", lora(0.3)],
    ["qwen3", lora(0.3, true)],
    ["qwen2", undefined],
    ["qwen2", lora(0.3)],
    ["llama", undefined],
    ["llama", lora(0.3)],
  ])("%s with %j: the same loss, gradients and random numbers; no tensor more", async (name, adapter) => {
    const model = await CausalLM.load(fixture(`models/${name}`), adapter ? { lora: adapter } : {});
    disturb(model);
    const [kept, again] = [pass(model, false), pass(model, true)];
    expect(again.loss).toBe(kept.loss);
    expect(Math.max(...kept.gradients.map(Math.abs))).toBeGreaterThan(1e-3);
    expect(maxDifference(again.gradients, kept.gradients)).toBeLessThan(1e-6);
    expect(again.after).toBe(kept.after);
    await expectNoLeak(() => pass(model, true));
    model.dispose();
  });

  test("a value model has it as well", async () => {
    const model = await ValueModel.load(fixture("models/qwen3-reward"), { lora: lora(0.3) });
    disturb(model);
    expect(maxDifference(pass(model, true).gradients, pass(model, false).gradients)).toBeLessThan(1e-5);
    model.dispose();
  });
});

describeOnOneBackend("gradient checkpointing", () => {
  const layers = 8;
  const config = {
    model_type: "qwen3", vocab_size: 96, hidden_size: 32, num_hidden_layers: layers, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 8,
    intermediate_size: 64, rms_norm_eps: 1e-6, tie_word_embeddings: true,
  };

  test("holds one layer's tensors at a time: most of the peak goes, and what is left grows by a layer's input a layer", () => {
    const model = CausalLM.random(config, 1);
    const gradients = model.trainable.reduce((sum, { variable }) => sum + 4 * variable.size, 0);
    pass(model, true);
    const [kept, again] = [false, true].map((on) => peakBytes(() => pass(model, on)) - gradients);
    expect(again! / kept!).toBeLessThan(0.4);
    model.dispose();
  });

  test("the logits of all tokens are never there at once, and twice the length takes at most twice the memory", () => {
    const vocabulary = 80_000;
    const model = CausalLM.random({ ...config, vocab_size: vocabulary, num_hidden_layers: 2 }, 1);
    model.setGradientCheckpointing(true);
    const variables = model.trainable.map(({ variable }) => variable);
    const peak = (width: number): number => peakBytes(() => {
      const batch: TokenBatch = { ids: new Int32Array(width).fill(3), lengths: Int32Array.of(width), rows: 1, width };
      const positions = Int32Array.from({ length: width - 1 }, (_, i) => i + 1);
      const { value, gradients } = gradientsOf(() => tf.neg(tf.sum(model.logProbs(batch, { positions }, { temperature: 1 }).logProbs)), variables);
      tf.dispose([value, gradients]);
    });
    const [long, longer] = [peak(512), peak(1024)];
    expect(longer).toBeLessThan((1024 * vocabulary * 4) / 1.2); // 328 MB
    expect(longer).toBeLessThan(2 * long);
    model.dispose();
  });
});
