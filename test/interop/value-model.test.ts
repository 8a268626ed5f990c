import { join } from "node:path";
import { Rng, type TokenBatch } from "@verlet/core";
import { selectBackend, tf } from "@verlet/backend";
import { collate } from "@verlet/data";
import { CausalLM, ValueModel, type LoraConfig } from "@verlet/model";
import { beforeAll, expect, test } from "vitest";
import { fixture, maxDifference } from "../helpers/fixtures.js";
import { describeInterop } from "./describe-interop.js";

const LORA: LoraConfig = { r: 4, alpha: 8, dropout: 0.05, targetModules: "all-linear", rslora: false, dora: false };
/** Float32 on both sides, summed in another order. */
const TOLERANCE = 1e-4;

const ROWS = [[5, 17, 42, 101, 7, 88], [31, 77, 12, 9, 55, 140]];
const tokens: TokenBatch = collate(ROWS, 0);

interface Case {
  name: string;
  base: string;
  kind: "token" | "sequence" | "adapter";
  class: string;
}

const cases: Case[] = [
  { name: "a critic of qwen3", base: "qwen3", kind: "token", class: "Qwen3ForTokenClassification" },
  { name: "a critic of llama", base: "llama", kind: "token", class: "LlamaForTokenClassification" },
  { name: "a critic of qwen2", base: "qwen2", kind: "token", class: "Qwen2ForTokenClassification" },
  { name: "a critic's adapter and head", base: "qwen3", kind: "adapter", class: "Qwen3ForTokenClassification" },
  { name: "a reward model", base: "qwen3-reward", kind: "sequence", class: "Qwen3ForSequenceClassification" },
];

interface Answer {
  class: string;
  problems: object | null;
  scores: number[][] | number[];
}

describeInterop("value heads written by verlet, read by transformers and PEFT", ({ folder, python }) => {
  const ours: number[][] = [];
  let theirs: Answer[] = [];

  beforeAll(async () => {
    await selectBackend("auto");
    for (const [i, one] of cases.entries()) ours.push(await write(one, join(folder, String(i))));
    theirs = await python<Answer[]>("load_value_models.py", { cases: cases.map(({ kind }, i) => ({ kind, folder: join(folder, String(i)), ids: ROWS })) });
  }, 300_000);

  test.each(cases.map((one, i) => [one.name, i] as const))("%s", (_, i) => {
    const answer = theirs[i]!;
    expect(answer.class).toBe(cases[i]!.class);
    expect(answer.problems ?? {}).toEqual({});
    expect(maxDifference(ours[i]!, answer.scores.flat())).toBeLessThan(TOLERANCE);
  });
});

/** Saves a value model with every trained weight drawn anew. @returns its scores: of every token, or of each row's last */
async function write({ base, kind }: Case, folder: string): Promise<number[]> {
  const policy = kind === "adapter" ? await CausalLM.load(fixture(`models/${base}`), { lora: LORA }) : undefined;
  const model = await ValueModel.load(fixture(`models/${base}`), policy && { lora: LORA, base: policy.parameters });
  const rng = new Rng(11);
  for (const { variable } of model.trainable) {
    tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(Float32Array.from({ length: variable.size }, () => 0.05 * rng.normal()), variable.shape))));
  }
  await model.save(folder);
  const places = kind === "sequence" ? ROWS.map((_, row) => (row + 1) * tokens.width - 1) : [...tokens.ids.keys()];
  const scores = tf.tidy(() => [...model.scores(tokens, Int32Array.from(places)).dataSync()]);
  model.dispose();
  policy?.dispose();
  return scores;
}
