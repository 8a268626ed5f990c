import { join } from "node:path";
import type { TrainStats } from "@verlet/core";
import type { LoadedConfig } from "@verlet/config";
import { describePlan, plannedOf } from "./describe-plan.js";
import { evaluateModel, readEvalRows } from "./evaluation.js";
import { listenForInterrupt } from "./interrupt.js";
import type { JsonEvents } from "./json-events.js";
import { checkKeepBest } from "./keep-best.js";
import type { LiveRun } from "./live-run.js";
import { plannedMemory } from "./memory-text.js";
import { newProgress, progressFromJson } from "./progress.js";
import { configValues } from "./run-config.js";
import { resumeRun, type ResumePoint } from "./run-checkpoint.js";
import { exportModel, openRunFolder } from "./run-folder.js";
import type { RunOutput } from "./run-output.js";
import type { Session } from "./session.js";
import { TrainLoop } from "./train-loop.js";

export interface TrainRunParts {
  session: Session;
  loaded: LoadedConfig;
  /** The checkpoint to go on from; without it the run starts at step 1. */
  start: ResumePoint | undefined;
  run: LiveRun;
  output: RunOutput;
  /** Where programs read along. */
  events: JsonEvents | undefined;
  signal: AbortSignal | undefined;
  modelOnInterrupt: boolean | undefined;
}

/** One run from its start to the files it leaves. */
export async function trainRun({ session, loaded, start, run, output, events, signal, modelOnInterrupt = false }: TrainRunParts): Promise<TrainStats> {
  const { config } = loaded;
  const { outputDir } = config.trainer;
  const began = performance.now();
  checkKeepBest(config.trainer.keepBest);
  const rows = config.data.eval === undefined ? undefined : await readEvalRows(config, (line) => output.line(line));
  if (start) await resumeRun(start, run);
  const progress = start ? progressFromJson(start.state.manager) : newProgress();
  const startStep = start?.state.step ?? 0;
  const values = configValues(loaded);
  if (events) events.plan({ config: values, translation: loaded.translation, backend: session.backend.name, totalSteps: run.totalSteps, memory: run.shape && plannedMemory(run.shape) });
  else output.line(describePlan(loaded, session.backend, plannedOf(run)));
  await openRunFolder(outputDir, loaded.yaml(), startStep);
  await output.start({ outputDir, totalSteps: run.totalSteps, startStep });
  if (startStep >= run.totalSteps) {
    output.line(`this run is finished: step ${startStep} of ${run.totalSteps}. Raise trainer.maxSteps or trainer.epochs to go on`);
  }

  const interrupt = listenForInterrupt(signal, () => output.line(`stopping after step ${run.step}; press Ctrl+C again to end at once`));
  run.signal = interrupt.signal;
  const evaluate = rows && (async (step: number) => (await evaluateModel(session, run.trainer, config, rows, { step, signal: run.signal })).metrics);
  let steps: number;
  try {
    steps = await new TrainLoop({ run, output, startStep, resumed: start !== undefined, saveAtStart: modelOnInterrupt, progress, config: values, configYaml: loaded.yaml(), evaluate }).run();
  } finally {
    interrupt.dispose();
  }
  const interrupted = steps < run.totalSteps;
  if (!interrupted || modelOnInterrupt) {
    await exportModel(outputDir, session.policy, session.tokenizer);
    for (const { name, model } of run.companions.all) await exportModel(join(outputDir, name), model, session.tokenizer);
  }
  const stats: TrainStats = {
    steps,
    totalSteps: run.totalSteps,
    outputDir,
    backend: session.backend.name,
    seconds: Math.round(performance.now() - began) / 1000,
    metrics: progress.metrics,
    ...(progress.evaluation && { evaluation: progress.evaluation.metrics }),
    interrupted,
  };
  await output.end(stats);
  return stats;
}
