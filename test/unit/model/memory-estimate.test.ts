import { expect, test } from "vitest";
import { estimateMemory, parseModelConfig, type LoraConfig, type MemoryQuestion } from "@verlet/model";

/** Two layers of width 64: q and o 64×64, k and v 32×64, MLP 128, vocabulary 1000. */
const config = parseModelConfig({
  model_type: "qwen3", vocab_size: 1000, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16,
  intermediate_size: 128, rms_norm_eps: 1e-6, tie_word_embeddings: true,
}, "test");
const LINEAR = 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64);
const EMBEDDING = 1000 * 64;
const NORMS = 2 * (2 * 64 + 2 * 16) + 64;
const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: ["q_proj", "down_proj"], rslora: false, dora: false };
const ask = (question: Partial<MemoryQuestion>): ReturnType<typeof estimateMemory> =>
  estimateMemory({ config, baseDtype: "float32", gradientCheckpointing: false, rows: 2, width: 10, ...question });

test("all weights trained: four bytes a weight, as many for the gradients, twice as many for the moments", () => {
  const { weights, adapter, gradients, optimizer } = ask({});
  const all = 4 * (LINEAR + EMBEDDING + NORMS);
  expect({ weights, adapter, gradients, optimizer }).toEqual({ weights: { float32: all }, adapter: 0, gradients: all, optimizer: 2 * all });
});

test("an adapter over frozen weights in each format: embeddings have 16 bits at least, norms 32", () => {
  const adapter = 4 * 2 * (4 * (64 + 64) + 4 * (128 + 64));
  expect(ask({ lora })).toMatchObject({ weights: { float32: 4 * (LINEAR + EMBEDDING + NORMS) }, adapter, gradients: adapter, optimizer: 2 * adapter });
  expect(ask({ lora, baseDtype: "bfloat16" }).weights).toEqual({ float32: 4 * NORMS, bfloat16: 2 * (LINEAR + EMBEDDING) });
  const outputs = 2 * (64 + 32 + 32 + 64 + 128 + 128 + 64);
  expect(ask({ lora, baseDtype: "int8" }).weights).toEqual({ float32: 4 * NORMS, bfloat16: 2 * EMBEDDING, int8: LINEAR + 4 * outputs });
  expect(ask({ lora, baseDtype: "int4" }).weights).toEqual({ float32: 4 * NORMS, bfloat16: 2 * EMBEDDING, int4: LINEAR / 2 + LINEAR / 16 });
});

test("activations: every layer's tensors, or every layer's input and one layer's tensors; half a layer for its backward pass", () => {
  const tokens = 20;
  const layer = 4 * (tokens * (4 * 64 + (64 + 32) + (2 * 64 + 2 * 32) + 4 * 128) + 2 * 4 * 10 * 10);
  expect(ask({}).activations).toBe(2.5 * layer);
  expect(ask({ gradientCheckpointing: true }).activations).toBe(2 * 4 * tokens * 64 + 1.5 * layer);
  const dropped = 4 * tokens * 2 * (5 * 64 + 64 + 128);
  expect(ask({ lora: { ...lora, dropout: 0.1 } }).activations).toBe(2.5 * (layer + dropped));
});

test("logits come in chunks: the vocabulary times the tokens counts only while it is small", () => {
  expect(ask({}).logits).toBe(5 * 4 * 20 * 1000);
  expect(ask({ width: 100_000 }).logits).toBe(5 * 4 * 8 * 2 ** 20);
});

test("probabilities of long rows: chunks of 128 queries with the keys up to their end", () => {
  const [short, long] = [128, 256].map((width) => ask({ width, rows: 1 }).activations / 2.5 - 4 * width * (4 * 64 + (64 + 32) + (2 * 64 + 2 * 32) + 4 * 128));
  expect(short).toBeCloseTo(4 * 4 * 128 * 128, 3);
  expect(long).toBeCloseTo(4 * 4 * (128 * 128 + 128 * 256), 3);
});

test("twice the length takes at most twice the activations, also where attention's scores would grow by four", () => {
  const at = (width: number): number => ask({ width, gradientCheckpointing: true }).activations;
  expect(at(16384) / at(8192)).toBe(2);
});

test("a rollout holds the weights once more, and keys and values of every row", () => {
  const all = LINEAR + EMBEDDING + NORMS;
  const cache = 4 * 80 * 30 * 2 * 2 * 32;
  expect(ask({ rollout: { rows: 80, width: 30 } }).rollout).toBe(4 * all + cache);
  expect(ask({ rollout: { rows: 80, width: 30 }, computeDtype: "bfloat16" }).rollout).toBe(2 * all + cache);
});

test("the peak is of the moment that takes most: all of it but what comes after one another", () => {
  const { peak, process, weights, gradients, optimizer } = ask({ gradientCheckpointing: true, rows: 1, width: 2 });
  const resident = process + weights.float32! + optimizer;
  expect(peak).toBeGreaterThanOrEqual(resident + gradients);
  expect(peak).toBeLessThan(resident + 2 * gradients);
});
