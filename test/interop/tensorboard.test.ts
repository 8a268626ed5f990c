import { appendFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createComponent, type Metrics, type RunLogger } from "@verlet/core";
import { writeArithmetic, writeTinyModelFolder } from "@verlet/data";
import { createManager } from "@verlet/manager";
import "@verlet/plugins/logger-tensorboard";
import { beforeAll, expect, test } from "vitest";
import { describeInterop } from "./describe-interop.js";

interface Shown {
  /** By tag: step and value, as TensorBoard would draw them. */
  scalars: Record<string, [step: number, value: string][]>;
  texts: Record<string, string[]>;
  plugins: Record<string, string>;
}

const numbers = { NaN, nan: NaN, inf: Infinity, "-inf": -Infinity };
const valueOf = (text: string): number => (text in numbers ? numbers[text as keyof typeof numbers] : Number(text));

describeInterop("event files read by TensorBoard", ({ folder, python }) => {
  const run = join(folder, "run");
  const [odd, cut] = [join(folder, "odd"), join(folder, "cut")];
  let shown: Shown[] = [];

  beforeAll(async () => {
    const data = await writeArithmetic(join(folder, "data"), { sft: 48, rl: 8, test: 8 });
    await writeTinyModelFolder(join(folder, "base"), { hiddenSize: 32, layers: 1, mlpSize: 64 });
    const config = {
      algorithm: "sft",
      model: { path: join(folder, "base"), init: "random" },
      data: { train: data.sft, eval: data.sft, maxEvalSamples: 8, columns: { prompt: "question", completion: "solution" }, chatTemplate: "always" },
      trainer: { batchSize: 8, maxSteps: 5, evalEvery: 2, saveEvery: 2, keepLast: 9, outputDir: run, loggers: ["jsonl", "tensorboard"] },
    };
    await train(config);
    // As if it had been killed before the later checkpoints: steps 3 to 5 are taken again. How long they take is never the same twice.
    for (const step of [4, 5]) rmSync(join(run, "checkpoints", `step-00000${step}`), { recursive: true });
    await train({ ...config, trainer: { ...config.trainer, maxSteps: 6 } });
    await writeOddities(odd);
    await writeCutOff(cut);
    shown = await python<Shown[]>("read_events.py", { folders: [run, odd, cut].map((one) => join(one, "runs")) });
  }, 300_000);

  test("a resumed run: every metric of every step, once, as in metrics.jsonl", () => {
    expect(readdirSync(join(run, "runs"))).toHaveLength(2);
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Metrics & { step: number });
    expect(lines.map(({ step }) => step)).toEqual([1, 2, 2, 3, 4, 4, 5, 6, 6]);
    const expected: Record<string, [number, number][]> = {};
    for (const { step, ...metrics } of lines) for (const [name, value] of Object.entries(metrics)) (expected[name] ??= []).push([step, Math.fround(value)]);
    expect(Object.keys(expected)).toEqual(expect.arrayContaining(["loss", "learning_rate", "grad_norm", "timing/step", "eval/loss"]));
    expect(scalars(shown[0]!)).toEqual(expected);
  });

  test("the configuration as a text", () => {
    const yaml = readFileSync(join(run, "config.resolved.yaml"), "utf8");
    expect(shown[0]!.plugins).toEqual({ config: "text" });
    expect(shown[0]!.texts.config!.at(-1)!.replaceAll(/^ {4}/gm, "")).toBe(yaml);
  });

  test("numbers that are not finite, zeros, and names with any letters", () => {
    expect(scalars(shown[1]!)).toEqual({ "a/b c": [[1, 0]], größe: [[1, NaN], [2, Infinity]], loss: [[1, -0.5], [2, -Infinity]] });
  });

  test("a file that a crash cut short, and the one that goes on", () => {
    expect(scalars(shown[2]!)).toEqual({ loss: [[1, 1], [2, 2], [3, 30]] });
  });
});

const scalars = (shown: Shown): Record<string, [number, number][]> =>
  Object.fromEntries(Object.entries(shown.scalars).map(([tag, points]) => [tag, points.map(([step, value]) => [step, valueOf(value)] as [number, number])]));

async function train(config: object): Promise<void> {
  const manager = await createManager(config as Parameters<typeof createManager>[0]);
  try {
    await manager.train();
  } finally {
    await manager.dispose();
  }
}

async function started(outputDir: string, startStep: number): Promise<RunLogger> {
  const logger = createComponent("logger", "tensorboard");
  await logger.start!({ outputDir, totalSteps: 4, startStep });
  return logger;
}

async function writeOddities(outputDir: string): Promise<void> {
  const logger = await started(outputDir, 0);
  await logger.step(1, { loss: -0.5, größe: NaN, "a/b c": 0 });
  await logger.step(2, { loss: -Infinity, größe: Infinity });
}

async function writeCutOff(outputDir: string): Promise<void> {
  const logger = await started(outputDir, 0);
  for (const step of [1, 2, 3]) await logger.step(step, { loss: step });
  const [name] = readdirSync(join(outputDir, "runs"));
  appendFileSync(join(outputDir, "runs", name!), Buffer.from([40, 0, 0, 0, 0]));
  await (await started(outputDir, 2)).step(3, { loss: 30 });
}
