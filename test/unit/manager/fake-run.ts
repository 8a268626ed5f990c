import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metrics, RunLogger, TrainStats } from "@verlet/core";
import { createManager, type ManagerOptions } from "@verlet/manager";
import { fakeModels } from "../../fakes/fake-policy.js";
import "../../fakes/fake-trainer.js";

const texts = ["the cat sat", "on the mat", "and ate", "the fat rat", "at last", "that is that", "a tale"];

/** A config of the fake trainer over seven rows: 4 batches an epoch. */
export function fakeConfig(folder: string, { algorithm = {}, trainer = {}, ...rest }: Record<string, object> = {}): Record<string, unknown> {
  const train = join(folder, "train.jsonl");
  if (!existsSync(train)) writeFileSync(train, texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
  return {
    algorithm: { name: "fake", ...algorithm },
    model: { path: "fake" },
    data: { train },
    optimizer: { learningRate: 0.1, schedule: { name: "linear" } },
    trainer: { batchSize: 2, maxSteps: 8, outputDir: join(folder, "out"), loggers: ["jsonl"], ...trainer },
    backend: "cpu",
    ...rest,
  };
}

/** Collects what a run tells its loggers. */
export class Recorder implements RunLogger {
  readonly steps: number[] = [];
  readonly lines: string[] = [];
  readonly checkpoints: string[] = [];
  onStep?: (step: number) => void | Promise<void>;

  async step(step: number): Promise<void> {
    this.steps.push(step);
    await this.onStep?.(step);
  }

  checkpoint(_step: number, folder: string): void {
    this.checkpoints.push(folder);
  }

  line(text: string): void {
    this.lines.push(text);
  }
}

/** Trains to the end in a manager of its own. */
export async function trainFake(config: Record<string, unknown>, options: ManagerOptions = {}): Promise<TrainStats> {
  const manager = await createManager(config, { models: fakeModels, ...options });
  try {
    return await manager.train();
  } finally {
    await manager.dispose();
  }
}

/** metrics.jsonl without what time and memory say. */
export function metricsOf(outputDir: string): Metrics[] {
  return readFileSync(join(outputDir, "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Object.fromEntries(Object.entries(JSON.parse(line) as Metrics).filter(([name]) => !/^(timing|perf|memory)\//.test(name))));
}

export function fileOf(...path: string[]): Buffer {
  return readFileSync(join(...path));
}
