/** Runs the stages of a pipeline in order, each once its inputs are there, and remembers what is done. */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { TrainingError } from "@verlet/core";
import { listenForInterrupt } from "@verlet/manager";
import { checkExpectations, requireMet, type CheckedExpectation } from "./expectations.js";
import { inputsOf } from "./inputs.js";
import { EARLIER, type Pipeline, type Stage } from "./load-pipeline.js";
import { planPipeline, requireFiles, type PlannedStage, type PlanOptions } from "./plan.js";
import { recordPath, writeRecord, type StageRecord } from "./records.js";
import type { StageResult } from "./stage-kind.js";

export type PipelineEvent =
  | { event: "start"; stage: string; uses: string; number: number; of: number; action: "run" | "resume"; why: string }
  | { event: "skip"; stage: string; uses: string; number: number; of: number; why: string }
  | { event: "kept"; stage: string; folder: string }
  | { event: "line"; text: string }
  | { event: "done"; stage: string; record: StageRecord }
  | { event: "expected"; stage: string; checked: readonly CheckedExpectation[] };

export interface RunPipelineOptions extends PlanOptions {
  /** Ends the pipeline when aborted: a training after its step, anything else once it is done. */
  signal?: AbortSignal;
  /** Trainings tell their events as JSON lines on standard output. */
  json?: boolean;
  onEvent?: (event: PipelineEvent) => void;
}

export interface PipelineResult {
  /** Of the stages that are done, in order. */
  records: readonly StageRecord[];
  /** Where it was stopped, when it was. */
  interrupted?: { stage: string; where: string };
}

/**
 * @throws what `planPipeline` and `requireFiles` throw; TrainingError for an expectation that is not met; what a stage throws. All that is done
 * stays done for the next call.
 */
export async function runPipeline(pipeline: Pipeline, { signal, json = false, onEvent = () => undefined, ...range }: RunPipelineOptions = {}): Promise<PipelineResult> {
  const plan = await planPipeline(pipeline, range);
  requireFiles(plan, pipeline.outputDir);
  const records: StageRecord[] = [];
  const of = pipeline.stages.length;
  for (const [i, planned] of plan.entries()) {
    const { stage, action, why } = planned;
    const { name, uses } = stage;
    if (action === "leave") break;
    if (signal?.aborted) return { records, interrupted: { stage: name, where: "before it began" } };
    if (action === "skip") {
      onEvent({ event: "skip", stage: name, uses, number: i + 1, of, why });
      records.push(planned.record!);
    } else {
      onEvent({ event: "start", stage: name, uses, number: i + 1, of, action, why });
      const ran = await runStage(pipeline, planned, { records, signal, json, onEvent });
      if (ran.record.status === "interrupted") return { records, interrupted: { stage: name, where: ran.record.reason! } };
      records.push(ran.record);
      onEvent({ event: "done", stage: name, record: ran.record });
      if (ran.stop && i + 1 < of) return { records, interrupted: { stage: name, where: "once it was done" } };
    }
    const checked = checkExpectations(name, stage.expect, records.at(-1)!.metrics, records);
    if (checked.length > 0) onEvent({ event: "expected", stage: name, checked });
    requireMet(name, checked);
  }
  return { records };
}

interface RunStageContext extends Required<Pick<RunPipelineOptions, "json" | "onEvent">> {
  records: readonly StageRecord[];
  signal: AbortSignal | undefined;
}

/** `stop`: Ctrl+C came while it ran. */
type RanStage = { record: StageRecord; stop: boolean };

async function runStage({ outputDir }: Pipeline, { stage, action, record: before }: PlannedStage, { records, signal, json, onEvent }: RunStageContext): Promise<RanStage> {
  const { name, uses, folder, prepared } = stage;
  const resumed = action === "resume";
  if (!resumed) await clearFolder(stage, outputDir, before, onEvent);
  const line = (text: string): void => onEvent({ event: "line", text });
  const began = performance.now();
  const base = {
    stage: name,
    uses,
    id: resumed ? before!.id : randomUUID(),
    after: records.at(-1)?.id ?? null,
    inputs: await inputsOf(prepared),
    outputs: prepared.outputs,
    products: [...prepared.products],
  };
  const write = async (rest: Pick<StageRecord, "status" | "metrics" | "facts"> & { reason?: string }): Promise<StageRecord> => {
    const seconds = Math.round((resumed ? before!.seconds : 0) * 1000 + (performance.now() - began)) / 1000;
    const record = { ...base, seconds, written: new Date().toISOString(), ...rest } as StageRecord;
    await writeRecord(outputDir, record);
    return record;
  };
  await write({ status: "running", metrics: {}, facts: {} });
  await mkdir(folder, { recursive: true });
  const interrupt = prepared.interruptible ? undefined : listenForInterrupt(signal, () => line(`stopping once stage ${name} is done; press Ctrl+C again to end at once`));
  try {
    const { metrics: all, facts = {}, interrupted } = await work(stage, () => prepared.run({ earlier: records, signal: interrupt ? undefined : signal, json, line }));
    const metrics = Object.fromEntries(Object.entries(all).filter(([, value]) => Number.isFinite(value))); // JSON has no other numbers
    const record = await write(interrupted === undefined ? { status: "done", metrics, facts } : { status: "interrupted", metrics, facts, reason: interrupted });
    return { record, stop: interrupt?.signal.aborted ?? false };
  } catch (error) {
    await write({ status: "failed", metrics: {}, facts: {}, reason: (error as Error).message });
    throw error;
  } finally {
    interrupt?.dispose();
  }
}

async function work({ name, prepared }: Stage, run: () => Promise<StageResult>): Promise<StageResult> {
  const result = await run();
  const missing = result.interrupted === undefined ? prepared.products.filter((path) => !existsSync(path)) : [];
  if (missing.length === 0) return result;
  throw new TrainingError({ where: `stage ${name}`, what: "it ended without leaving what it should", got: `no ${missing.join(", ")}`, expected: "these files" });
}

/** What an earlier run of the stage left is kept beside, if it was finished or could have been gone on with. */
async function clearFolder({ name, folder, prepared }: Stage, outputDir: string, before: StageRecord | undefined, onEvent: (event: PipelineEvent) => void): Promise<void> {
  if (!before || !existsSync(folder)) return;
  if (before.status !== "done" && !(await prepared.canResume?.())) {
    await rm(folder, { recursive: true });
    return;
  }
  let kept: string;
  for (let count = 1; existsSync((kept = join(outputDir, EARLIER, `${name}-${count}`))); count++);
  await mkdir(dirname(kept), { recursive: true });
  await rename(folder, kept); // a crash after it leaves a record whose products are gone, so that the stage runs again
  await rename(recordPath(outputDir, name), join(kept, "record.json"));
  onEvent({ event: "kept", stage: name, folder: kept });
}
