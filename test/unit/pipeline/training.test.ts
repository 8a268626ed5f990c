/** A small pipeline that trains for real, stopped in each of its trainings and gone on with. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { registerLogger, type RunLogger } from "@verlet/core";
import { wordProblems } from "@verlet/data";
import { loadPipeline, runPipeline, type PipelineReport, type PipelineResult, type RunPipelineOptions, type StageRecord } from "@verlet/pipeline";
import { expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { writePipeline, type StageText } from "./fake-stages.js";

let onStep: (step: number) => void = () => undefined;
registerLogger("pipeline-test/hook", { doc: "Tells the test of every step." })((): RunLogger => ({ step: (step) => onStep(step) }));

const grpo = { algorithm: "grpo", rollout: { numGenerations: 2, maxNewTokens: 4 }, rewards: [{ name: "format", options: { pattern: "^.*[a-m]" } }], optimizer: { learningRate: 1e-3 } };
const stages: readonly StageText[] = [
  { name: "data", uses: "data", sets: { train: wordProblems("train"), test: wordProblems("test") }, maxSamples: 6, expect: { "shared/train/test": { max: 0 } } },
  { name: "sft", uses: "train", config: { algorithm: "sft", model: { path: join(import.meta.dirname, "../../fixtures/models/qwen3") }, data: { train: "${stages.data.train}", maxLength: 320 }, optimizer: { learningRate: 1e-3 }, trainer: { batchSize: 2, maxSteps: 4 } } },
  { name: "check", uses: "evaluate", config: { ...grpo, model: "${stages.sft.model}", data: { train: "${stages.data.train}", eval: "${stages.data.test}" } }, expect: { "eval/rewards/format/mean": { min: 0 } } },
  { name: "grpo", uses: "train", config: { ...grpo, model: "${stages.sft.model}", data: { train: "${stages.data.train}" }, trainer: { batchSize: 2, maxSteps: 3 } } },
  { name: "evaluate", uses: "evaluate", config: { ...grpo, model: "${stages.grpo.model}", data: { train: "${stages.data.train}", eval: "${stages.data.test}" } } },
  { name: "report", uses: "report" },
];

/** Runs it as a command would, and leaves no tensor behind. */
async function run(path: string, options: RunPipelineOptions = {}): Promise<PipelineResult> {
  const tensors = tf.memory().numTensors;
  const result = await runPipeline(await loadPipeline(path), options);
  expect(tf.memory().numTensors).toBe(tensors);
  return result;
}

/** Stops at a step of the first training that gets there, as an aborted signal or Ctrl+C does. */
async function stopAt(step: number, path: string): Promise<PipelineResult> {
  const controller = new AbortController();
  onStep = (now) => now === step && controller.abort();
  try {
    return await run(path, { signal: controller.signal });
  } finally {
    onStep = () => undefined;
  }
}

test("stopped and gone on with in both trainings, it ends with the bytes of one that never stopped", async () => {
  const common = { config: { backend: "wasm", trainer: { loggers: ["pipeline-test/hook", "jsonl"], seed: 3 } } };
  const [whole, stopped] = [writePipeline(stages, common, tempFolder()), writePipeline(stages, common, tempFolder())];
  expect((await run(whole.path)).records.map(({ stage, status }) => `${stage} ${status}`)).toEqual(stages.map(({ name }) => `${String(name)} done`));

  expect((await stopAt(2, stopped.path)).interrupted).toEqual({ stage: "sft", where: "after step 2 of 4" });
  const record = (stage: string): StageRecord => JSON.parse(readFileSync(join(stopped.outputDir, "records", `${stage}.json`), "utf8")) as StageRecord;
  expect(record("sft")).toMatchObject({ status: "interrupted", facts: { steps: 2, totalSteps: 4, backend: "wasm" } });
  expect(existsSync(join(stopped.outputDir, "sft/model.safetensors"))).toBe(false);

  const steps: number[] = [];
  const controller = new AbortController();
  const order: string[] = [];
  onStep = (step) => void (steps.push(step), order.at(-1) === "grpo" && step === 1 && controller.abort());
  const second = await run(stopped.path, { signal: controller.signal, onEvent: (event) => event.event === "start" && order.push(event.stage) });
  onStep = () => undefined;
  // SFT goes on behind the second step, GRPO is stopped after its first.
  expect({ order, steps, stopped: second.interrupted }).toEqual({ order: ["sft", "check", "grpo"], steps: [3, 4, 1], stopped: { stage: "grpo", where: "after step 1 of 3" } });

  expect((await run(stopped.path)).interrupted).toBeUndefined();
  for (const stage of ["sft", "grpo"]) {
    expect(readFileSync(join(stopped.outputDir, stage, "model.safetensors"))).toEqual(readFileSync(join(whole.outputDir, stage, "model.safetensors")));
  }
  const report = JSON.parse(readFileSync(join(stopped.outputDir, "report/report.json"), "utf8")) as PipelineReport;
  expect(report.stages.map(({ name }) => name)).toEqual(["data", "sft", "check", "grpo", "evaluate"]);
  expect(report.stages[1]!.metrics.loss).toBe(record("sft").metrics.loss);
  expect(report.compared.map(({ metric }) => metric)).toContain("eval/rewards/format/mean");
  expect(readFileSync(join(stopped.outputDir, "evaluate/answers.jsonl"), "utf8").trimEnd().split("\n").map((line) => Object.keys(JSON.parse(line) as object))[0]).toEqual(["prompt", "completion", "score", "rewards", "row"]);

  // Nothing is left to do; with its checkpoints gone too, as the model is what counts.
  rmSync(join(stopped.outputDir, "sft/checkpoints"), { recursive: true });
  const events: string[] = [];
  await run(stopped.path, { onEvent: ({ event }) => events.push(event) });
  expect(new Set(events)).toEqual(new Set(["skip", "expected"]));
}, 300_000);

test("another learning rate starts the training over, and keeps what was trained before", async () => {
  const common = { config: { backend: "wasm", trainer: { loggers: ["jsonl"] } } };
  const { path, outputDir } = writePipeline(stages.slice(0, 2), common);
  await run(path);
  const first = readFileSync(join(outputDir, "sft/model.safetensors"));
  await runPipeline(await loadPipeline(path, { overrides: ["stages.sft.config.optimizer.learningRate=0.01"] }));
  expect(readFileSync(join(outputDir, "sft/model.safetensors"))).not.toEqual(first);
  expect(readFileSync(join(outputDir, "earlier/sft-1/model.safetensors"))).toEqual(first);
  expect(readFileSync(join(outputDir, "sft/metrics.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(4);
}, 300_000);
