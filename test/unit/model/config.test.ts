import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ModelError } from "@verlet/core";
import { parseModelConfig, readModelConfig } from "@verlet/model";
import { inverseFrequencies } from "../../../packages/model/dist/rotary-table.js";
import { fixture, maxDifference, readJson } from "../../helpers/fixtures.js";

const qwen3 = readJson<Record<string, unknown>>("models/qwen3/config.json");
const llama = readJson<Record<string, unknown>>("models/llama/config.json");
const { rope_theta, rope_scaling, ...withoutRope } = llama;

const message = (fields: Record<string, unknown>): string => {
  try {
    parseModelConfig(fields, "config.json");
    return "it was read";
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return (error as Error).message;
  }
};

describe("reading config.json", () => {
  test("qwen3: norms on heads, a head size of its own, tied embeddings, no biases", async () => {
    expect(await readModelConfig(fixture("models/qwen3"))).toMatchObject({
      modelType: "qwen3", vocabSize: 368, hiddenSize: 48, layers: 2, heads: 4, kvHeads: 2, headDim: 16, intermediateSize: 96, normEpsilon: 1e-6,
      tiedEmbeddings: true, qkvBias: false, outputBias: false, mlpBias: false, qkNorm: true, ropeTheta: 1e6, ropeScaling: { type: "default" },
    });
  });

  test("qwen2: biases on q, k and v that config.json does not name, head size = hidden / heads", async () => {
    expect(await readModelConfig(fixture("models/qwen2"))).toMatchObject({ headDim: 8, qkvBias: true, outputBias: false, mlpBias: false, qkNorm: false });
  });

  test("llama: attention_bias and mlp_bias put biases everywhere", () => {
    expect(parseModelConfig({ ...llama, attention_bias: true, mlp_bias: true }, "")).toMatchObject({ qkvBias: true, outputBias: true, mlpBias: true });
  });

  test("qwen3 without head_dim has heads of 128, as transformers defines it", () => {
    expect(parseModelConfig({ ...qwen3, head_dim: undefined }, "").headDim).toBe(128);
  });

  test("rope in the flat form of the hub and in the nested form of transformers 5 is the same model", () => {
    const flat = parseModelConfig(llama, "");
    const nested = parseModelConfig({ ...withoutRope, rope_parameters: { ...(rope_scaling as object), rope_theta } }, "");
    expect(flat).toMatchObject({ ropeTheta: 500000, ropeScaling: { type: "llama3", factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 64 } });
    expect({ ...nested, raw: null }).toEqual({ ...flat, raw: null });
  });

  test("the older key `type`, and a missing key: 10000 and no scaling", () => {
    expect(parseModelConfig({ ...llama, rope_scaling: { type: "linear", factor: 2 } }, "").ropeScaling).toEqual({ type: "linear", factor: 2 });
    expect(parseModelConfig(withoutRope, "")).toMatchObject({ ropeTheta: 10000, ropeScaling: { type: "default" } });
  });
});

describe("inverse frequencies by hand", () => {
  const base = { headDim: 4, ropeTheta: 100 };

  test("default: θ^(−2i/D) = 1, 0.1; linear divides by the factor", () => {
    expect(maxDifference(inverseFrequencies({ ...base, ropeScaling: { type: "default" } }), [1, 0.1])).toBeLessThan(1e-12);
    expect(maxDifference(inverseFrequencies({ ...base, ropeScaling: { type: "linear", factor: 4 } }), [0.25, 0.025])).toBeLessThan(1e-12);
  });

  test("llama3: short waves stay, long ones are divided, those between are blended", () => {
    // wavelengths 2π/f: 6.283 and 62.83. old/high = 10 and old/low = 40: the first is short, the second long
    const scaling = { type: "llama3", factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxPositions: 40 } as const;
    expect(maxDifference(inverseFrequencies({ ...base, ropeScaling: scaling }), [1, 0.1 / 8])).toBeLessThan(1e-12);
    // old = 160: 62.83 lies between 40 and 160; s = (160/62.83 − 1) / 3 = 0.515495, f = (1 − s)·0.0125 + s·0.1
    const s = (160 / (20 * Math.PI) - 1) / 3;
    const blended = inverseFrequencies({ ...base, ropeScaling: { ...scaling, originalMaxPositions: 160 } });
    expect(maxDifference(blended, [1, (1 - s) * 0.0125 + s * 0.1])).toBeLessThan(1e-12);
    expect(blended[1]).toBeCloseTo(0.057606, 6);
  });
});

describe("what is refused, in words", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["a model type that no plugin reads", { ...qwen3, model_type: "mamba" }, "[config.json] unsupported model_type: got mamba, expected llama, qwen2, qwen3."],
    ["no model type", {}, "[config.json] unsupported model_type: got undefined, expected llama, qwen2, qwen3."],
    ["sliding windows", { ...qwen3, use_sliding_window: true }, "[config.json] sliding-window attention is not supported: got use_sliding_window: true, expected false."],
    ["another rope", { ...llama, rope_scaling: { rope_type: "yarn", factor: 4 } }, "[config.json] unsupported rope scaling: got yarn, expected default, linear or llama3."],
    ["another rope, nested", { ...qwen3, rope_parameters: { rope_type: "dynamic", factor: 4 } }, "[config.json] unsupported rope scaling: got dynamic, expected default, linear or llama3."],
    ["llama3 rope with a part missing", { ...llama, rope_scaling: { rope_type: "llama3", factor: 8 } }, "[config.json] rope type llama3 lacks low_freq_factor: got undefined, expected a number."],
    ["another activation", { ...qwen3, hidden_act: "gelu" }, "[config.json] unsupported activation: got gelu, expected silu."],
    ["heads that do not divide", { ...qwen3, num_key_value_heads: 3 }, "[config.json] attention heads do not divide into key heads: got 4 heads, 3 key heads, expected a multiple."],
    ["heads of no whole size", { ...llama, head_dim: undefined, hidden_size: 50 }, "[config.json] the head size cannot be used: got 12.5, expected an even whole number."],
    ["heads of odd size", { ...qwen3, head_dim: 15 }, "[config.json] the head size cannot be used: got 15, expected an even whole number."],
    ["a field of the wrong type", { ...qwen3, hidden_size: "48" }, "[config.json: hidden_size] config.json has a field that cannot be used"],
    ["a field that is missing", { ...qwen3, vocab_size: undefined }, "[config.json: vocab_size] config.json has a field that cannot be used"],
  ])("%s", (_, fields, words) => {
    expect(message(fields)).toContain(words);
  });

  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "verlet-config-"))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("no config.json", async () => {
    await expect(readModelConfig(folder)).rejects.toThrow(`[${join(folder, "config.json")}] no model here: got no config.json, expected a Hugging Face model folder. Give model.path a folder with config.json.`);
  });

  test("a config.json that is not JSON", async () => {
    await writeFile(join(folder, "config.json"), "{ model_type: qwen3 }");
    await expect(readModelConfig(folder)).rejects.toThrow(/config\.json\] not valid JSON: got .*\. Copy the file again\./);
  });
});
