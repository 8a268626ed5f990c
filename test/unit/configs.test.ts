import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { trainingPresets } from "@verlet/agents";
import { loadConfig, type ResolvedConfig } from "@verlet/config";
import { loadPipeline } from "@verlet/pipeline";
import { describe, expect, test } from "vitest";
import { layoutOf } from "../../packages/cli/dist/quickstart/layout.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

const yamls = ["configs", "examples"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(folder, name)),
);

test("there are configs", () => expect(yamls.length).toBeGreaterThanOrEqual(3));

const firstLine = (name: string): string => readFileSync(join(root, name), "utf8").split("\n")[0]!;
const isPipeline = (name: string): boolean => firstLine(name).startsWith("# npx verlet pipeline");

test.each(yamls.filter((name) => !isPipeline(name)))("%s resolves, and its first line is the command that runs it", async (name) => {
  const first = firstLine(name);
  expect(first).toBe(`# npx verlet train ${name}`);
  const { config } = await loadConfig(join(root, name));
  expect(config.algorithm.name).not.toBe("");
});

test.each(yamls.filter(isPipeline))("every stage of %s resolves, and its first line is the command that runs it", async (name) => {
  expect(firstLine(name)).toBe(`# npx verlet pipeline run ${name}`);
  expect((await loadPipeline(join(root, name))).stages.length).toBeGreaterThan(1);
});

test("the documents' pipeline has the guide's six stages", async () => {
  const { stages } = await loadPipeline(join(root, "configs/documents/pipeline.yaml"));
  expect(stages.map(({ name, uses }) => `${name}: ${uses}`)).toEqual(["data: arithmetic", "sft: train", "check: evaluate", "grpo: train", "evaluate: evaluate", "report: report"]);
  expect(stages[2]!.expect).toEqual({ "eval/rewards/accuracy/mean": { min: 0.3 } });
});

describe.each(Object.entries(trainingPresets))("the documents' size %s", (name, preset) => {
  const load = async (file: string): Promise<ResolvedConfig> => (await loadConfig(join(root, `configs/documents/${file}.yaml`))).config;
  const sizes = { rows: preset.max_samples ?? undefined, epochs: preset.num_epochs, batchSize: preset.batch_size };

  test("is that of the tool, for SFT and for GRPO", async () => {
    for (const { data, trainer } of [await load(name), await load(`${name}-grpo`)]) expect({ rows: data.maxSamples, epochs: trainer.epochs, batchSize: trainer.batchSize }).toEqual(sizes);
  });

  test("trains an adapter by the documents' defaults, and GRPO goes on with it", async () => {
    const [sft, grpo] = [await load(name), await load(`${name}-grpo`)];
    expect(sft).toMatchObject({ algorithm: { name: "sft" }, model: { path: "Qwen/Qwen3-0.6B", lora: { r: 16, alpha: 32, dropout: 0.05 } }, optimizer: { learningRate: 2e-5 } });
    expect(grpo).toMatchObject({ algorithm: { name: "grpo" }, model: { path: "Qwen/Qwen3-0.6B", adapter: sft.trainer.outputDir }, optimizer: { learningRate: 1e-5 }, rewards: [{ name: "accuracy" }] });
    expect(grpo.model.lora).toBeUndefined();
    expect(grpo.trainer.outputDir).not.toBe(sft.trainer.outputDir);
  });

  test("takes another model and other rows from the command line", async () => {
    const { config } = await loadConfig(join(root, `configs/documents/${name}.yaml`), ["model.path=./model", "data.train=./rows.jsonl"]);
    expect(config).toMatchObject({ model: { path: "./model" }, data: { train: "./rows.jsonl" } });
    expect(config.data.eval).toBeUndefined(); // of other rows there would be none
  });
});

test("the quickstart's YAMLs name the files that the quickstart makes", async () => {
  const layout = layoutOf(resolve("output/quickstart"));
  const sft = (await loadConfig(join(root, "configs/quickstart-sft.yaml"))).config;
  const grpo = (await loadConfig(join(root, "configs/quickstart-grpo.yaml"))).config;
  const paths = [sft.model.path, sft.data.train, sft.trainer.outputDir, grpo.model.path, grpo.data.train, grpo.data.eval, grpo.trainer.outputDir] as string[];
  const made = [layout.model, join(layout.data, "sft.jsonl"), layout.sft, layout.sft, join(layout.data, "rl.jsonl"), join(layout.data, "test.jsonl"), layout.grpo];
  expect(paths.map((path) => relative(root, resolve(path)))).toEqual(made.map((path) => relative(root, path)));
});
