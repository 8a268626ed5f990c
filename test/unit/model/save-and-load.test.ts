import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import type { Parameter } from "@verlet/core";
import { CausalLM, decodeFloats, encodeFloats, readSafetensors, writeSafetensors, type SafetensorsEntry } from "@verlet/model";
import { describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, readJson, relativeL2 } from "../../helpers/fixtures.js";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "verlet-model-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const weightsOf = (path: string): Promise<Map<string, SafetensorsEntry>> => readSafetensors(join(path, "model.safetensors"));
const sharded = async (): Promise<Map<string, SafetensorsEntry>> => {
  const parts = await Promise.all([1, 2, 3].map((i) => readSafetensors(fixture(`models/qwen3-sharded/model-0000${i}-of-00003.safetensors`))));
  return new Map(parts.flatMap((part) => [...part]));
};
const configOf = async (path: string): Promise<Record<string, unknown>> => JSON.parse(await readFile(join(path, "config.json"), "utf8")) as Record<string, unknown>;
const numbersOf = (model: CausalLM): Map<string, Float32Array> => new Map((model.parameters as readonly Parameter[]).map(({ name, variable }) => [name, Float32Array.from(variable.dataSync())]));

/** Asserts equal names, types, shapes and bytes. */
function expectSameWeights(got: Map<string, SafetensorsEntry>, expected: Map<string, SafetensorsEntry>): void {
  expect([...got.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { dtype, shape, data }] of expected) {
    const { data: bytes, ...rest } = got.get(name)!;
    expect(rest, name).toEqual({ dtype, shape });
    expect(Buffer.compare(bytes, data), name).toBe(0);
  }
}

function expectSameNumbers(got: Map<string, Float32Array>, expected: Map<string, Float32Array>): void {
  expect([...got.keys()]).toEqual([...expected.keys()]);
  for (const [name, numbers] of expected) expect(Buffer.compare(new Uint8Array(got.get(name)!.buffer), new Uint8Array(numbers.buffer)), name).toBe(0);
}

/** A copy of the qwen3 fixture with some of its weights or config changed. */
async function changed({ weights, config }: { weights?: (entries: Map<string, SafetensorsEntry>) => void; config?: Record<string, unknown> }): Promise<string> {
  const entries = await weightsOf(fixture("models/qwen3"));
  weights?.(entries);
  await writeSafetensors(join(folder, "model.safetensors"), Object.fromEntries(entries));
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...(await configOf(fixture("models/qwen3"))), ...config }));
  return folder;
}

const failure = (path: string): Promise<string> =>
  CausalLM.load(path).then((model) => (model.dispose(), "it was read"), (error: Error) => error.message.replaceAll(folder, "FOLDER"));

describeOnOneBackend("saving", () => {
  test.each(["qwen3", "qwen3-untied-bf16", "qwen2", "llama"])("%s comes back bit for bit in the format it had, with its config.json", async (name) => {
    const model = await CausalLM.load(fixture(`models/${name}`));
    await model.save(folder);
    expectSameWeights(await weightsOf(folder), await weightsOf(fixture(`models/${name}`)));
    expect(await configOf(folder)).toEqual(readJson(`models/${name}/config.json`));
    expect(await readFile(join(folder, "generation_config.json"), "utf8")).toBe(await readFile(fixture(`models/${name}/generation_config.json`), "utf8"));
    model.dispose();
  });

  test("three shards are saved as one file with the same tensors", async () => {
    const model = await CausalLM.load(fixture("models/qwen3-sharded"));
    await model.save(folder);
    expectSameWeights(await weightsOf(folder), await sharded());
    model.dispose();
  });

  test.each([
    ["float32", "F32", "qwen3"],
    ["bfloat16", "BF16", "qwen3"],
    ["float16", "F16", "qwen3"],
    ["float32", "F32", "qwen3-untied-bf16"],
  ] as const)("in %s: %s tensors rounded once from %s, the name in config.json, and the same again after reading it back", async (dtype, format, name) => {
    const model = await CausalLM.load(fixture(`models/${name}`));
    await model.save(folder, { dtype });
    const original = await weightsOf(fixture(`models/${name}`));
    const saved = await weightsOf(folder);
    const rounded = [...original].map(([key, entry]) => [key, { dtype: format, shape: entry.shape, data: encodeFloats(decodeFloats(entry.data, entry.dtype), format) }] as const);
    expectSameWeights(saved, new Map(rounded));
    const config = await configOf(folder);
    expect("torch_dtype" in config ? config.torch_dtype : config.dtype).toBe(dtype);
    const again = await CausalLM.load(folder);
    const next = join(folder, "again");
    await again.save(next);
    expectSameWeights(await weightsOf(next), saved);
    expect(await configOf(next)).toEqual(config);
    model.dispose();
    again.dispose();
  });

  test("a model that is configured to be saved in another format says so in its config.json", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"), { dtype: "bfloat16" });
    await model.save(folder);
    expect([...(await weightsOf(folder)).values()].every(({ dtype }) => dtype === "BF16")).toBe(true);
    expect((await configOf(folder)).torch_dtype).toBe("bfloat16");
    model.dispose();
  });

  test("restore brings a float32 save back bit for bit and leaves no tensor behind", async () => {
    const model = await CausalLM.load(fixture("models/qwen2"));
    const before = numbersOf(model);
    await model.save(folder, { dtype: "float32" });
    tf.tidy(() => { for (const { variable } of model.trainable) variable.assign(tf.onesLike(variable)); });
    const tensors = tf.memory().numTensors;
    await model.restore(folder);
    expect(tf.memory().numTensors).toBe(tensors);
    expectSameNumbers(numbersOf(model), before);
    model.dispose();
  });
});

describeOnOneBackend("random weights", () => {
  const load = (seed?: number): Promise<CausalLM> => CausalLM.load(fixture("models/llama"), { init: "random", ...(seed !== undefined && { seed }) });

  test("normal(0, initializer_range), norms 1, biases 0", async () => {
    const model = await CausalLM.load(fixture("models/qwen2"), { init: "random", seed: 3 });
    const numbers = numbersOf(model);
    for (const [name, values] of numbers) {
      if (name.endsWith("norm.weight")) expect(values.every((x) => x === 1), name).toBe(true);
      if (name.endsWith(".bias")) expect(values.every((x) => x === 0), name).toBe(true);
    }
    expect([...numbers.keys()].filter((name) => name.endsWith(".bias"))).toHaveLength(6); // q, k and v in two layers
    const drawn = [...numbers].filter(([name]) => !name.endsWith("norm.weight") && !name.endsWith(".bias")).flatMap(([, values]) => [...values]);
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
    const deviation = Math.sqrt(drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length);
    // n numbers: the mean scatters by 0.02 / √n, the deviation by 0.02 / √(2n); four of those each
    expect(Math.abs(mean)).toBeLessThan((4 * 0.02) / Math.sqrt(drawn.length));
    expect(Math.abs(deviation - 0.02)).toBeLessThan((4 * 0.02) / Math.sqrt(2 * drawn.length));
    // a normal draw lies beyond three deviations 0.27 % of the time
    expect(drawn.filter((x) => Math.abs(x) > 0.06).length / drawn.length).toBeCloseTo(0.0027, 3);
    model.dispose();
  });

  test("the same seed gives the same weights; 42 is the seed when none is given", async () => {
    const models = [await load(42), await load(), await load(7), CausalLM.random(readJson("models/llama/config.json"), 42)];
    const [first, standard, other, parsed] = models.map(numbersOf);
    expectSameNumbers(standard!, first!);
    expectSameNumbers(parsed!, first!);
    expect(relativeL2(other!.get("lm_head.weight")!, first!.get("lm_head.weight")!)).toBeGreaterThan(1);
    for (const model of models) model.dispose();
  });

  test("an adapter over random weights does not change which weights are drawn", async () => {
    const bare = await load(5);
    const adapted = await CausalLM.load(fixture("models/llama"), { init: "random", seed: 5, lora: { r: 2, alpha: 4, dropout: 0, targetModules: ["q_proj"], rslora: false, dora: false } });
    expectSameNumbers(numbersOf(adapted), numbersOf(bare));
    expect(adapted.trainable).toHaveLength(4); // A and B in two layers
    bare.dispose();
    adapted.dispose();
  });

  test("needs only config.json, and saves what it computed in: float32, whatever config.json said", async () => {
    await writeFile(join(folder, "config.json"), JSON.stringify({ ...readJson<object>("models/qwen3-untied-bf16/config.json") }));
    const model = await CausalLM.load(folder, { init: "random" });
    await model.save(join(folder, "out"));
    expect((await configOf(join(folder, "out"))).dtype).toBe("float32");
    expect([...(await weightsOf(join(folder, "out"))).values()].every(({ dtype }) => dtype === "F32")).toBe(true);
    model.dispose();
  });
});

describeOnOneBackend("folders that cannot be read", () => {
  const KEY = "model.layers.1.mlp.up_proj.weight";

  test("no weights", async () => {
    await cp(fixture("models/qwen3/config.json"), join(folder, "config.json"));
    expect(await failure(folder)).toBe("[FOLDER] the folder has no weights: got neither model.safetensors nor model.safetensors.index.json. Put the safetensors file there, or set model.init: random to train from scratch.");
  });

  test("a tensor is missing", async () => {
    expect(await failure(await changed({ weights: (entries) => entries.delete(KEY) }))).toBe(`[FOLDER] a tensor is missing from the weights: got no ${KEY}, expected 24 tensors for this config.json.`);
  });

  test("a tensor of another shape", async () => {
    const message = await failure(await changed({ weights: (entries) => entries.set(KEY, { dtype: "F32", shape: [48, 96], data: entries.get(KEY)!.data }) }));
    expect(message).toBe(`[FOLDER/model.safetensors: ${KEY}] wrong shape: got [48, 96], expected [96, 48] from config.json.`);
  });

  test("a config.json of another size", async () => {
    expect(await failure(await changed({ config: { vocab_size: 400 } }))).toBe("[FOLDER/model.safetensors: model.embed_tokens.weight] wrong shape: got [368, 48], expected [400, 48] from config.json.");
  });

  test("weights of whole numbers", async () => {
    const message = await failure(await changed({ weights: (entries) => entries.set(KEY, { ...entries.get(KEY)!, dtype: "I32" }) }));
    expect(message).toBe(`[FOLDER: ${KEY}] unsupported weight format: got I32, expected F32, F16 or BF16.`);
  });

  test("tensors that the model does not have are passed over", async () => {
    const path = await changed({ weights: (entries) => entries.set("model.rotary_emb.inv_freq", { dtype: "F32", shape: [8], data: new Uint8Array(32) }) });
    expect(await failure(path)).toBe("it was read");
  });

  test("an index that is broken, names no files, or names a file that is not there", async () => {
    await cp(fixture("models/qwen3-sharded"), folder, { recursive: true });
    const index = join(folder, "model.safetensors.index.json");
    await writeFile(index, "{ no");
    expect(await failure(folder)).toContain("[FOLDER/model.safetensors.index.json] not valid JSON: got ");
    await writeFile(index, "{}");
    expect(await failure(folder)).toContain("[FOLDER/model.safetensors.index.json] the index names no files: got no weight_map.");
    await cp(fixture("models/qwen3-sharded/model.safetensors.index.json"), index);
    await rm(join(folder, "model-00002-of-00003.safetensors"));
    expect(await failure(folder)).toContain("[FOLDER/model-00002-of-00003.safetensors] cannot open the weight file: got ENOENT");
  });

  test("a failed load leaves no tensor behind", async () => {
    const path = await changed({ weights: (entries) => entries.delete("model.norm.weight") });
    const before = tf.memory().numTensors;
    await failure(path);
    const entry = { dtype: "F32" as const, shape: [2], data: new Uint8Array(8) };
    await failure(await changed({ weights: (entries) => entries.set("model.norm.weight", entry) }));
    expect(tf.memory().numTensors).toBe(before);
  });
});
