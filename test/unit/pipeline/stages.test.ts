import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wordProblems } from "@verlet/data";
import { loadPipeline, planPipeline, runPipeline, type Pipeline, type StageRecord } from "@verlet/pipeline";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { writePipeline, type StageText } from "./fake-stages.js";

const model = join(import.meta.dirname, "../../fixtures/models/qwen3");
const rows = wordProblems("train");
const sft = { algorithm: "sft", model: { path: model }, data: { train: rows }, backend: "wasm" };

const load = (stages: readonly StageText[], more = {}, overrides: string[] = []): Promise<Pipeline> => loadPipeline(writePipeline(stages, more).path, { overrides });
type Settings = Record<string, Record<string, unknown>>;
const settings = ({ stages }: Pipeline, i: number): Settings => stages[i]!.prepared.settings as Settings;

describe("train", () => {
  test("gives the next stage the whole model, or the base with the adapter", async () => {
    const next = (more: object = {}) => ({ name: "next", uses: "train", config: { ...sft, model: "${stages.sft.model}", ...more } });
    const whole = await load([{ name: "sft", uses: "train", config: sft }, next()]);
    expect(settings(whole, 1).model).toMatchObject({ path: whole.stages[0]!.folder, init: "pretrained" });
    expect(whole.stages[0]!.prepared.products).toEqual(["config.json", "model.safetensors"].map((name) => join(whole.stages[0]!.folder, name)));
    const adapter = await load([{ name: "sft", uses: "train", config: { ...sft, model: { path: model, lora: {} } } }, next()]);
    expect(settings(adapter, 1).model).toMatchObject({ path: model, adapter: adapter.stages[0]!.folder });
    expect(adapter.stages[0]!.prepared.products).toEqual(["adapter_config.json", "adapter_model.safetensors"].map((name) => join(adapter.stages[0]!.folder, name)));
    expect(adapter.stages[1]!.prepared.files).toEqual([model, adapter.stages[0]!.folder, rows]);
  });

  test("its YAML by name, with the keys of the pipeline over it and those of the command line over these", async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "yamls"));
    writeFileSync(join(folder, "yamls/run.yaml"), JSON.stringify({ ...sft, trainer: { batchSize: 3, outputDir: "elsewhere", resume: "never", maxSteps: 7 }, optimizer: { learningRate: 0.5 } }));
    const { path, outputDir } = writePipeline([{ name: "sft", uses: "train", config: "./yamls/run.yaml" }], { config: { trainer: { batchSize: 5 }, optimizer: { learningRate: 0.25 } } }, folder);
    const pipeline = await loadPipeline(path, { overrides: ["stages.sft.config.optimizer.learningRate=0.125"] });
    expect(settings(pipeline, 0)).toMatchObject({ trainer: { batchSize: 5, maxSteps: 7 }, optimizer: { learningRate: 0.125 } });
    expect(pipeline.stages[0]!.folder).toBe(join(outputDir, "sft"));
    const common = await loadPipeline(path, { overrides: ["config.trainer.maxSteps=9"] });
    expect(settings(common, 0).trainer).toMatchObject({ maxSteps: 9 });
  });

  test("keys that change nothing in what is learnt do not count", async () => {
    const one = await load([{ name: "sft", uses: "train", config: sft }]);
    const other = await load([{ name: "sft", uses: "train", config: { ...sft, backend: "cpu", trainer: { loggers: [], saveEvery: 2, microBatchSize: 1, keepLast: 1, rolloutsEvery: 0 } } }]);
    expect(settings(other, 0)).toEqual(settings(one, 0));
    const longer = await load([{ name: "sft", uses: "train", config: { ...sft, trainer: { maxSteps: 9 } } }]);
    expect(settings(longer, 0)).not.toEqual(settings(one, 0));
  });

  test("every configuration is checked before anything runs, with its places", async () => {
    const stages = [
      { name: "sft", uses: "train", config: { ...sft, optimizer: { learningRat: 1 } } },
      { name: "grpo", uses: "train", config: { ...sft, algorithm: "gropo" } },
      { name: "other", uses: "train", config: { extends: "./gone.yaml" } },
    ];
    const error = await load(stages).catch((thrown: Error) => thrown.message.split("\n").map((line) => line.replace(/^\[\S*?(pipeline\.yaml:\d+)[^\]]*\]/, "[$1]")));
    expect(error).toEqual([
      expect.stringMatching(/^\[pipeline\.yaml:13\] unknown key in optimizer: got `learningRat`.*Did you mean `learningRate`\?$/),
      expect.stringMatching(/^\[pipeline\.yaml:17\] .*"gropo".*Did you mean "grpo"\?/),
      expect.stringMatching(/^\[pipeline\.yaml:24\] cannot read the configuration: got no file at .*gone\.yaml/),
    ]);
  });

  test("where it writes and how it goes on is the pipeline's to say", async () => {
    await expect(load([{ name: "sft", uses: "train", config: { ...sft, trainer: { output_dir: "x" } } }])).rejects.toThrow(/the pipeline says itself where sft writes and how it goes on: got it written here, expected nothing: the folder is .*sft\. Take it out\./);
    await expect(load([{ name: "sft", uses: "train", config: sft }], { config: { trainer: { resume: "never" } } })).rejects.toThrow("the pipeline says itself where each stage writes");
  });

  test("a model of the hub that is not here is told before anything runs", async () => {
    const pipeline = await load([{ name: "data", uses: "arithmetic" }, { name: "sft", uses: "train", config: { ...sft, model: { path: "Qwen/Qwen3-0.6B" } } }]);
    await expect(runPipeline(pipeline)).rejects.toThrow("[stage sft] what it reads is not there: got nothing at Qwen/Qwen3-0.6B, expected a file or folder. For the model of that name on the Hugging Face hub: hf download Qwen/Qwen3-0.6B --local-dir Qwen/Qwen3-0.6B.");
  });

  test("plugins and modules of the user's are read too", async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, "score.mjs"), "export const computeScore = () => 1;\n");
    const config = { ...sft, algorithm: "grpo", rewards: [{ module: "./score.mjs", function: "computeScore" }] };
    const { path } = writePipeline([{ name: "grpo", uses: "train", config }], {}, folder);
    expect((await loadPipeline(path)).stages[0]!.prepared.files).toEqual([model, rows, join(folder, "score.mjs")]);
  });
});

describe("evaluate", () => {
  const config = { algorithm: "grpo", model: { path: model }, data: { train: rows, eval: wordProblems("test") }, rewards: ["accuracy"] };

  test("needs questions", async () => {
    await expect(load([{ name: "check", uses: "evaluate", config: { ...config, data: { train: rows } } }])).rejects.toThrow("stage check has nothing to evaluate on: got a config without data.eval, expected the rows to ask. Set data.eval in its config.");
  });

  test("what only training reads does not count", async () => {
    const one = await load([{ name: "check", uses: "evaluate", config }]);
    const other = await load([{ name: "check", uses: "evaluate", config: { ...config, data: { ...config.data, train: "other.jsonl" }, optimizer: { learningRate: 1 }, loss: { clipHigh: 0.3 }, trainer: { maxSteps: 3 } } }]);
    expect(settings(other, 0)).toEqual(settings(one, 0));
    expect(one.stages[0]!.prepared.files).toEqual([model, wordProblems("test")]);
    const longer = await load([{ name: "check", uses: "evaluate", config: { ...config, rollout: { maxNewTokens: 3 } } }]);
    expect(settings(longer, 0)).not.toEqual(settings(one, 0));
  });
});

describe("data", () => {
  const record = (outputDir: string): StageRecord => JSON.parse(readFileSync(join(outputDir, "records/data.json"), "utf8")) as StageRecord;
  const lines = (file: string): string[] => readFileSync(file, "utf8").trimEnd().split("\n");

  test("keeps each set's rows, counts them and those that two sets share", async () => {
    const stage = { name: "data", uses: "data", sets: { train: `${rows}[:5]`, again: [`${rows}[3:6]`, `${rows}[10:12]`], test: wordProblems("test") }, maxSamples: 4 };
    const { path, outputDir } = writePipeline([stage]);
    await runPipeline(await loadPipeline(path));
    expect(lines(join(outputDir, "data/train.jsonl"))).toEqual(lines(rows).slice(0, 4).map((line) => JSON.stringify(JSON.parse(line))));
    expect(record(outputDir).metrics).toEqual({ "rows/train": 4, "rows/again": 5, "rows/test": 4, "shared/train/again": 0, "shared/train/test": 0, "shared/again/test": 0 });
    // Rows of a mixture say where they are from, so that they differ from the others; without one they are the same.
    const plain = writePipeline([{ ...stage, sets: { train: `${rows}[:5]`, again: `${rows}[3:6]` } }]);
    await runPipeline(await loadPipeline(plain.path, { overrides: ["stages.data.maxSamples=null"] }));
    expect(record(plain.outputDir).metrics).toEqual({ "rows/train": 5, "rows/again": 3, "shared/train/again": 2 });
  });

  test("reads its files again when they change", async () => {
    const folder = tempFolder();
    const file = join(folder, "rows.jsonl");
    copyFileSync(rows, file);
    const { path } = writePipeline([{ name: "data", uses: "data", sets: { train: `${file}[:3]` } }], {}, folder);
    await runPipeline(await loadPipeline(path));
    copyFileSync(wordProblems("test"), file);
    expect((await planPipeline(await loadPipeline(path)))[0]).toMatchObject({ action: "run", why: `${file} has changed` });
  });

  test("sets that are none", async () => {
    await expect(load([{ name: "data", uses: "data", sets: {} }])).rejects.toThrow("expected at least one data set");
    await expect(load([{ name: "data", uses: "data", sets: { train: 3 } }])).rejects.toThrow("stages.data.sets.train: got 3");
  });
});
