import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Rng } from "@verlet/core";
import { selectBackend, tf } from "@verlet/backend";
import { writeTinyModelFolder } from "@verlet/data";
import { CausalLM, loadTokenizer, type LoadOptions, type LoraConfig, type WeightDtype } from "@verlet/model";
import { beforeAll, expect, test } from "vitest";
import { fixture } from "../helpers/fixtures.js";
import { describeInterop } from "./describe-interop.js";
import { logitDifference, pythonRequest, reportOf, type PythonCase, type PythonReport, type Report } from "./model-report.js";

const LORA: LoraConfig = { r: 4, alpha: 8, dropout: 0.05, targetModules: "all-linear", rslora: false, dora: false };
/** Float32 on both sides, summed in another order: at most 1e-5 was seen on native, wasm and cpu. */
const TOLERANCE = 1e-4;

interface Case {
  name: string;
  base: string;
  load?: LoadOptions;
  saveAs?: WeightDtype;
  merged?: boolean;
  /** The weights' dtype that Python must find. */
  dtype?: string;
}

const cases: Case[] = [
  { name: "qwen3", base: "qwen3", dtype: "torch.float32" },
  { name: "qwen2", base: "qwen2", dtype: "torch.float32" },
  { name: "llama", base: "llama", dtype: "torch.float32" },
  { name: "qwen3 from shards", base: "qwen3-sharded", dtype: "torch.float32" },
  { name: "qwen3 untied, kept in bfloat16", base: "qwen3-untied-bf16", dtype: "torch.bfloat16" },
  { name: "qwen3 converted to bfloat16", base: "qwen3", saveAs: "bfloat16", dtype: "torch.bfloat16" },
  { name: "llama converted to float16", base: "llama", saveAs: "float16", dtype: "torch.float16" },
  { name: "a fresh model", base: "tiny", load: { init: "random", seed: 3 }, dtype: "torch.float32" },
  { name: "LoRA on all linear layers", base: "qwen3", load: { lora: LORA } },
  { name: "rsLoRA on q and v", base: "llama", load: { lora: { ...LORA, rslora: true, targetModules: ["q_proj", "v_proj"] } } },
  { name: "DoRA", base: "qwen2", load: { lora: { ...LORA, dora: true, targetModules: ["k_proj", "up_proj"] } } },
  { name: "merged LoRA", base: "qwen3", load: { lora: LORA }, merged: true, dtype: "torch.float32" },
  { name: "merged DoRA", base: "qwen2", load: { lora: { ...LORA, dora: true } }, merged: true, dtype: "torch.float32" },
];

describeInterop("models written by verlet, read by transformers and PEFT", ({ folder, python }) => {
  const ours: Report[] = [];
  let theirs: PythonReport[] = [];

  beforeAll(async () => {
    await selectBackend("auto");
    await writeTinyModelFolder(join(folder, "tiny"));
    const written: PythonCase[] = [];
    for (const [i, one] of cases.entries()) {
      const { request, report } = await write(one, join(folder, `case-${i}`), join(folder, "tiny"));
      written.push(request);
      ours.push(report);
    }
    const request = pythonRequest(written, folder);
    const answers = await python<PythonReport[]>("load_models.py", request);
    theirs = answers.map((answer, i) => ({ ...answer, file: (request.cases[i] as { logits: string }).logits }));
  }, 300_000);

  test.each(cases.map(({ name }, i) => [name, i] as const))("%s", async (_, i) => {
    const [mine, other] = [ours[i]!, theirs[i]!];
    expect(other.problems ?? {}).toEqual({});
    expect(other.dtype).toBe(cases[i]!.dtype);
    expect(await logitDifference(mine.logits, other.file)).toBeLessThan(TOLERANCE);
    expect(other.generated).toEqual(mine.generated);
    expect(other.tokens).toEqual(mine.tokens);
    expect(other.chat).toBe(mine.chat);
  });

  test("PEFT finds the base model of an adapter by itself", () => {
    const adapters = theirs.filter(({ peft }) => peft);
    expect(adapters.length).toBe(cases.filter(({ load, merged }) => load?.lora && !merged).length);
    for (const { peft } of adapters) expect(peft).toEqual({ default: "LORA" });
  });

  test("a model folder holds what transformers writes, and nothing else", async () => {
    const files = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    expect((await readdir(join(folder, "case-0"))).sort()).toEqual(files);
  });
});

/** Saves one case, and computes with the model as it was before it was written. */
async function write(one: Case, folder: string, tiny: string): Promise<{ request: PythonCase; report: Report }> {
  const base = one.base === "tiny" ? tiny : fixture(`models/${one.base}`);
  const model = await CausalLM.load(base, one.load);
  if (one.load?.lora) disturb(model);
  const dtype = one.saveAs && { dtype: one.saveAs };
  await (one.merged ? model.saveMerged(folder, dtype) : model.save(folder, dtype));
  await (await loadTokenizer(base)).save(folder);
  const isAdapter = one.load?.lora !== undefined && !one.merged;
  // Rounded weights compute something else, so a converted model is read back before it is compared.
  const compared = one.saveAs ? await CausalLM.load(folder) : model;
  const report = await reportOf(compared, base);
  for (const each of new Set([model, compared])) each.dispose();
  return { request: isAdapter ? { folder: base, adapter: folder, autoPeft: true } : { folder }, report };
}

/** A fresh adapter changes nothing (its B is zero), which would hide a wrong scale. */
function disturb(model: CausalLM): void {
  const rng = new Rng(11);
  for (const { name, variable } of model.trainable) {
    if (!name.includes("lora_B")) continue;
    const noise = tf.tensor(Float32Array.from({ length: variable.size }, () => 0.1 * rng.normal()), variable.shape);
    variable.assign(noise);
    noise.dispose();
  }
}
