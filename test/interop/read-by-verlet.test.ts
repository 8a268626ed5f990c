import { join } from "node:path";
import { selectBackend } from "@verlet/backend";
import { CausalLM, decodeFloats, loadTokenizer, readSafetensors } from "@verlet/model";
import { beforeAll, expect, test } from "vitest";
import { fixture, maxDifference } from "../helpers/fixtures.js";
import { describeInterop } from "./describe-interop.js";

interface Saved {
  name: string;
  folder: string;
  adapter?: string;
  dtype: string;
  files: string[];
}

const NAMES = [
  "qwen3 tied",
  "qwen3 untied bfloat16 sharded",
  "qwen2 with biases",
  "qwen2 float16",
  "llama with llama3 rope",
  "llama with attention and mlp biases",
  "lora on all linear layers",
  "rslora on q and v",
  "dora",
];

/** Float32 on both sides, summed in another order: at most 2e-5 was seen on native, wasm and cpu, on logits of up to 8. */
const TOLERANCE = 1e-4;

describeInterop("models written by transformers and PEFT, read by verlet", ({ folder, python }) => {
  let saved: Saved[] = [];
  const named = (name: string): Saved => saved.find((one) => one.name === name)!;

  beforeAll(async () => {
    await selectBackend("auto");
    saved = await python<Saved[]>("save_models.py", { folder, tokenizer: fixture("models/qwen3") });
  }, 300_000);

  test("every form is there", () => expect(saved.map(({ name }) => name)).toEqual(NAMES));

  test.each(NAMES)("%s: equal logits", async (name) => {
    const { folder: model, adapter } = named(name);
    const expected = await readSafetensors(join(adapter ?? model, "expected.safetensors"));
    const ints = (key: string): Int32Array => new Int32Array(expected.get(key)!.data.slice().buffer);
    const { shape, data } = expected.get("logits")!;
    const [rows, width, vocabulary] = shape as [number, number, number];
    const mask = ints("mask");

    const lm = await CausalLM.load(model, adapter === undefined ? {} : { adapter });
    const logits = lm.logits(ints("ids"), mask, rows, width); // [B, T, V]
    const got = (await logits.data()) as Float32Array;
    logits.dispose();
    lm.dispose();

    const real = Uint8Array.from({ length: got.length }, (_, i) => mask[Math.floor(i / vocabulary)]!);
    expect(maxDifference(got, decodeFloats(data, "F32"), real)).toBeLessThan(TOLERANCE);
  });

  test("the sharded model came in several files", () => {
    const { files } = named("qwen3 untied bfloat16 sharded");
    expect(files).toContain("model.safetensors.index.json");
    expect(files.filter((file) => /^model-\d+-of-\d+\.safetensors$/.test(file)).length).toBeGreaterThan(2);
  });

  test("the tokenizer that transformers wrote encodes and renders as before", async () => {
    const [before, after] = [await loadTokenizer(fixture("models/qwen3")), await loadTokenizer(named("qwen3 tied").folder)];
    const text = "12+30=?\n#### 42 <|im_end|>";
    const messages = [{ role: "user", content: "47+38=?" }];
    expect(after.encode(text)).toEqual(before.encode(text));
    expect(after.renderChat(messages, { addGenerationPrompt: true })).toBe(before.renderChat(messages, { addGenerationPrompt: true }));
    expect(after.stopTokenIds).toContain(before.eosTokenId);
  });
});
