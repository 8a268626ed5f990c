/** SFT with data.packing and data.groupByLength: what is trained stays the same, and so does a run that was stopped. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { tf } from "@verlet/backend";
import { createManager } from "@verlet/manager";
import { packExamples, type SftExample } from "@verlet/data";
import { CausalLM } from "@verlet/model";
import { sftEvaluation, sftGradients } from "@verlet/plugins/algorithm-sft";
import { Rng, registerTrainer, type Metrics, type Trainer } from "@verlet/core";
import { fakeModels } from "../../fakes/fake-policy.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { describeOnBackends, trainingBackends } from "../../helpers/backends.js";
import { fixture, maxDifference } from "../../helpers/fixtures.js";
import { fileOf, metricsOf } from "../manager/fake-run.js";
import { trainRun } from "../manager/train-run.js";

/** Eleven short texts of words, as prompts and completions: only the completions are trained. */
const rows = Array.from({ length: 11 }, (_, i) => ({ prompt: `${"so ".repeat(i % 4)}what is ${i}? `, completion: `it is ${i}${" and one".repeat((i * 5) % 6)}` }));

describeOnBackends("packed examples", () => {
  let model: CausalLM;
  beforeAll(async () => void (model = await CausalLM.load(fixture("models/qwen3"), { lora: { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear", rslora: false, dora: false } })));
  afterAll(() => model.dispose());

  const rng = new Rng(4);
  const examples: SftExample[] = [9, 4, 12, 3, 6, 7].map((length, i) => ({
    ids: Array.from({ length }, () => rng.below(360)),
    mask: Uint8Array.from({ length }, (_, t) => Number(i === 5 || t >= length / 2)), // one is trained throughout, the others from the middle on
    row: { i },
  }));
  const run = (given: readonly SftExample[], microBatchSize: number): { metrics: Metrics; gradients: Float32Array[] } => {
    const { metrics, gradients } = sftGradients(model, given, { padId: 0, microBatchSize });
    const numbers = gradients.map((gradient) => Float32Array.from(gradient.dataSync()));
    tf.dispose(gradients);
    return { metrics, gradients: numbers };
  };

  it.each([0, 1, 2])("have the loss, the entropy and the gradients of unpacked ones, in micro-batches of %i", (microBatchSize) => {
    const packed = packExamples(examples, 16);
    expect(packed.map(({ lengths }) => lengths)).toEqual([[9, 7], [4, 12], [3, 6]]);
    const [got, expected] = [run(packed, microBatchSize), run(examples, 0)];
    expect(got.metrics["num_tokens"]).toBe(41);
    for (const name of ["loss", "entropy", "mean_token_accuracy", "num_tokens"]) expect(Math.abs(got.metrics[name]! - expected.metrics[name]!), name).toBeLessThan(1e-5);
    expected.gradients.forEach((gradient, i) => expect(maxDifference(got.gradients[i]!, gradient)).toBeLessThan(1e-5));
    const { loss, entropy } = sftEvaluation(model, packed, { padId: 0, microBatchSize });
    expect(Math.abs(loss! - expected.metrics["loss"]!)).toBeLessThan(1e-5);
    expect(Math.abs(entropy! - expected.metrics["entropy"]!)).toBeLessThan(1e-5);
  });
});

/** A YAML of a run over `rows`. */
function yamlOf(folder: string, out: string, { data = "", trainer = "", backend = "wasm", lora = "" }: { data?: string; trainer?: string; backend?: string; lora?: string } = {}): string {
  const train = join(folder, "train.jsonl");
  writeFileSync(train, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const path = join(folder, `${out}.yaml`);
  writeFileSync(path, [
    "algorithm: sft",
    `model: { path: ${JSON.stringify(fixture("models/qwen3"))}${lora} }`,
    `data: { train: ${JSON.stringify(train)}, eval: ${JSON.stringify(train)}${data} }`,
    "optimizer: { learningRate: 0.01, maxGradNorm: 0 }",
    `trainer: { outputDir: ${JSON.stringify(join(folder, out))}, loggers: [jsonl]${trainer} }`,
    `backend: ${backend}`,
  ].join("\n"));
  return path;
}

async function train(path: string, stopAfter = Infinity): Promise<string[]> {
  return (await trainRun(path, stopAfter)).lines;
}

describe.each(trainingBackends)("a run on %s", (backend) => {
  test("with packing takes the step over all rows that one without takes, and says how full its rows are", async () => {
    const folder = tempFolder();
    await train(yamlOf(folder, "plain", { backend, trainer: ", batchSize: 11" }));
    const lines = await train(yamlOf(folder, "packed", { backend, data: ", packing: true, maxLength: 64", trainer: ", batchSize: 5" }));
    expect(lines).toContain("data: 11 examples packed into 5 rows of at most 64 tokens, 95.6 % full");
    expect(lines.join("\n")).toContain("1 optimizer steps over 5 rows");
    const [plain, packed] = ["plain", "packed"].map((name) => metricsOf(join(folder, name)));
    expect(packed).toHaveLength(plain!.length);
    const merged = [plain, packed].map((lines) => Object.assign({}, ...lines!) as Metrics);
    for (const name of ["loss", "entropy", "num_tokens", "eval/loss", "eval/entropy"]) expect(Math.abs(merged[1]![name]! - merged[0]![name]!), name).toBeLessThan(1e-4);
    expect(merged[1]!["grad_norm"]! / merged[0]!["grad_norm"]!).toBeCloseTo(1, 4);
  }, 120_000);

  test.each([
    ["packing", ", packing: true, maxLength: 40"],
    ["grouping", ", groupByLength: true"],
    ["both, an adapter with dropout", ", packing: true, groupByLength: true, maxLength: 40"],
  ])("with %s, stopped in the middle of an epoch, goes on with the same rows", async (what, data) => {
    const folder = tempFolder();
    const options = { backend, data, trainer: ", batchSize: 2, epochs: 2", lora: what.includes("adapter") ? ", lora: { r: 4, dropout: 0.1 }" : "" };
    await train(yamlOf(folder, "whole", options));
    await train(yamlOf(folder, "parts", options), 3);
    await train(yamlOf(folder, "parts", options));
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    const metrics = metricsOf(whole);
    expect(metrics.length).toBeGreaterThan(6);
    expect(metricsOf(parts)).toEqual(metrics);
    const weights = what.includes("adapter") ? "adapter_model.safetensors" : "model.safetensors";
    expect(fileOf(parts, weights)).toEqual(fileOf(whole, weights));
  }, 240_000);
});

describe("the epoch's steps", () => {
  const config = (folder: string, data: object, trainer: object): Record<string, unknown> => ({
    algorithm: "sft",
    model: { path: "fake" },
    data: { train: join(folder, "train.jsonl"), ...data },
    trainer: { outputDir: join(folder, "out"), loggers: [], ...trainer },
    backend: "cpu",
  });

  async function linesOf(given: Record<string, unknown>): Promise<string[]> {
    const lines: string[] = [];
    const manager = await createManager(given, { models: fakeModels, loggers: [{ step: () => {}, line: (text) => void lines.push(text) }] });
    try {
      await manager.train();
    } finally {
      await manager.dispose();
    }
    return lines;
  }

  /** Texts of 3, 7, 2, 5, 4 and 3 byte tokens with the stop token. */
  function texts(folder: string): void {
    writeFileSync(join(folder, "train.jsonl"), [2, 6, 1, 4, 3, 2].map((length) => `${JSON.stringify({ text: "abcdefgh".slice(0, length) })}\n`).join(""));
  }

  it("count packed rows: 24 tokens in rows of 8", async () => {
    const folder = tempFolder();
    texts(folder);
    const lines = (await linesOf(config(folder, { packing: true, maxLength: 8 }, { batchSize: 2, epochs: 3 }))).join("\n");
    expect(lines).toContain("data: 6 examples packed into 4 rows of at most 8 tokens, 75.0 % full");
    expect(lines).toContain("6 optimizer steps over 4 rows");
  });

  it("say where no two rows fit into one", async () => {
    const folder = tempFolder();
    texts(folder);
    const lines = (await linesOf(config(folder, { packing: true, maxLength: 3 }, { batchSize: 2 }))).join("\n");
    expect(lines).toContain("data: 6 rows read, 6 kept, none dropped, 3 truncated");
    expect(lines).toContain("data: 6 examples packed into 6 rows of at most 3 tokens, 94.4 % full; no two fit into one, so raise data.maxLength or leave data.packing out");
  });

  it("an algorithm that says it reads groupByLength must know its rows' lengths", async () => {
    const folder = tempFolder();
    texts(folder);
    registerTrainer("no-lengths", { reads: ["groupByLength"] })((): Trainer => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} }));
    await expect(linesOf({ ...config(folder, { groupByLength: true }, {}), algorithm: "no-lengths" })).rejects.toThrow(
      "[algorithm no-lengths] says that it reads data.groupByLength, but has no `lengthOf`. Give it one, or take the key off `reads`.",
    );
  });
});
