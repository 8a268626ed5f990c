import { join } from "node:path";
import { selectBackend } from "@verlet/backend";
import { writeArithmetic, writeTinyModelFolder } from "@verlet/data";
import { CausalLM } from "@verlet/model";
import { createManager } from "@verlet/manager";
import { beforeAll, expect, test } from "vitest";
import { describeInterop } from "./describe-interop.js";
import { logitDifference, pythonRequest, reportOf, type PythonReport, type Report } from "./model-report.js";

/** Float32 on both sides, summed in another order. */
const TOLERANCE = 1e-4;

describeInterop("folders that training runs leave, read by transformers and PEFT", ({ folder, python }) => {
  const [base, sft, lora] = ["base", "sft", "lora"].map((name) => join(folder, name)) as [string, string, string];
  const reports: Record<"sft" | "lora" | "base", Report | undefined> = { sft: undefined, lora: undefined, base: undefined };
  let theirs: (PythonReport & { file: string })[] = [];

  beforeAll(async () => {
    const data = await writeArithmetic(join(folder, "data"), { sft: 64, rl: 16, test: 8 });
    await writeTinyModelFolder(base, { hiddenSize: 48, layers: 2, mlpSize: 96 });
    await runSft(data.sft, sft, { path: base, init: "random" });
    await runSft(data.sft, lora, { path: sft, lora: { r: 4, alpha: 16, targetModules: ["q_proj", "o_proj", "down_proj"] } });

    await selectBackend("auto");
    reports.base = await report(base, { init: "random" });
    reports.sft = await report(sft, {});
    reports.lora = await report(sft, { adapter: lora });
    const request = pythonRequest([{ folder: sft }, { folder: sft, adapter: lora, autoPeft: true, tokenizer: lora }, { folder: sft, adapter: lora, merged: true }], folder);
    const answers = await python<PythonReport[]>("load_models.py", request);
    theirs = answers.map((answer, i) => ({ ...answer, file: (request.cases[i] as { logits: string }).logits }));
  }, 300_000);

  test("the runs changed what the models compute", () => {
    expect(furthest(reports.base!.logits, reports.sft!.logits)).toBeGreaterThan(0.1);
    expect(furthest(reports.sft!.logits, reports.lora!.logits)).toBeGreaterThan(0.01);
  });

  test.each([
    ["the folder of an SFT run", 0, "sft"],
    ["the adapter of a LoRA run, which names its base", 1, "lora"],
    ["that adapter merged by PEFT", 2, "lora"],
  ] as const)("%s", async (_, i, ours) => {
    const [mine, other] = [reports[ours]!, theirs[i]!];
    expect(other.problems ?? {}).toEqual({});
    expect(await logitDifference(mine.logits, other.file)).toBeLessThan(TOLERANCE);
    expect(other.generated).toEqual(mine.generated);
    expect(other.tokens).toEqual(mine.tokens);
    expect(other.chat).toBe(mine.chat);
  });
});

async function runSft(train: string, outputDir: string, model: object): Promise<void> {
  const manager = await createManager({
    algorithm: "sft",
    model,
    data: { train, columns: { prompt: "question", completion: "solution" }, chatTemplate: "always" },
    optimizer: { learningRate: 5e-3 },
    trainer: { batchSize: 8, maxSteps: 6, outputDir, loggers: ["jsonl"] },
  });
  await manager.train();
  await manager.dispose();
}

async function report(folder: string, options: Parameters<typeof CausalLM.load>[1]): Promise<Report> {
  const model = await CausalLM.load(folder, options);
  const result = await reportOf(model, folder);
  model.dispose();
  return result;
}

const furthest = (a: Float32Array, b: Float32Array): number => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
