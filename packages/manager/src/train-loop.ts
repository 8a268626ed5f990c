import { setImmediate } from "node:timers/promises";
import { latestCheckpoint, pruneCheckpoints } from "@verlet/checkpoint";
import type { Json, Metrics, StepMetrics } from "@verlet/core";
import { checkFinite } from "./check-finite.js";
import { isBetter } from "./keep-best.js";
import { captureRun, type LiveRun, type RunState } from "./live-run.js";
import { progressToJson, type Progress } from "./progress.js";
import { saveRun } from "./run-checkpoint.js";
import { runPaths, writeRollouts } from "./run-folder.js";
import type { RunOutput } from "./run-output.js";
import { seconds, throughput } from "./step-times.js";

export interface LoopParts {
  run: LiveRun;
  output: RunOutput;
  /** Steps already done. */
  startStep: number;
  /** Whether there is a checkpoint of the start. */
  resumed: boolean;
  /** Whether a run that is stopped before its first step is saved too. */
  saveAtStart: boolean;
  progress: Progress;
  config: Json;
  configYaml: string;
  /** Metrics named `eval/…`; absent where the run has no evaluation rows. */
  evaluate?: ((step: number) => Promise<Metrics>) | undefined;
}

/** Takes steps until the end, an interrupt or an error; whatever ends it, the last good step is saved. */
export class TrainLoop {
  readonly #parts: LoopParts;
  readonly #checkpoints: string;
  /** Steps done, those before a resume included. */
  #done: number;
  /** The run as it was after that step. */
  #state: RunState;
  /** Optimizer updates begun by then: while there are no more, all weights are that step's too. */
  #updates: number;
  /** The step of the newest checkpoint, where there is one. */
  #saved: number | undefined;

  constructor(parts: LoopParts) {
    const { run, startStep, resumed } = parts;
    this.#parts = parts;
    this.#checkpoints = runPaths(run.config.trainer.outputDir).checkpoints;
    this.#done = startStep;
    this.#saved = resumed ? startStep : undefined;
    this.#state = captureRun(run);
    this.#updates = run.updates;
  }

  /** @returns the number of steps done. */
  async run(): Promise<number> {
    const { run, output } = this.#parts;
    try {
      while (this.#done < run.totalSteps) {
        await setImmediate(); // a step may never wait for anything, and signals arrive only between turns
        if (run.signal.aborted) break;
        await this.#step();
      }
    } catch (error) {
      if (run.updates !== this.#updates) throw error;
      if (!run.signal.aborted) {
        if (this.#done > 0) await this.#save().catch((failure: Error) => output.line(failure.message));
        throw error;
      }
      const what = run.step > this.#done ? `step ${run.step}` : "the evaluation";
      output.line(`${what} was given up: ${(error as Error).message}`);
    }
    if (this.#done > 0 || this.#parts.saveAtStart) await this.#save();
    return this.#done;
  }

  async #step(): Promise<void> {
    const { run, output, progress, evaluate } = this.#parts;
    const { evalEvery, saveEvery } = run.config.trainer;
    run.step = this.#done + 1;
    run.times.take(); // what an evaluation took is not the step's
    const started = performance.now();
    const result = await run.trainer.step();
    const ms = performance.now() - started;
    const metrics = {
      epoch: run.train.epoch,
      ...result.metrics,
      "timing/step": seconds(ms),
      ...run.times.take(),
      ...throughput(result, ms),
      "memory/rss_gb": Math.round((1000 * process.memoryUsage.rss()) / 2 ** 30) / 1000,
    };
    await checkFinite(run.step, metrics, run.config, async () => (await latestCheckpoint(this.#checkpoints))?.folder);
    progress.metrics = metrics;
    this.#capture(run.step);
    await output.step(this.#done, metrics);
    await this.#writeRollouts(result);
    const last = this.#done === run.totalSteps;
    const isBest = evaluate && (last || isDue(this.#done, evalEvery)) ? await this.#evaluate(evaluate) : false;
    if (isBest || isDue(this.#done, saveEvery)) await this.#save();
  }

  /** Remembers the run as it is after `step`. */
  #capture(step: number): void {
    this.#state = captureRun(this.#parts.run);
    this.#updates = this.#parts.run.updates;
    this.#done = step;
  }

  /** One file each `rolloutsEvery` steps, at the first step from there on that sampled anything. */
  async #writeRollouts({ rollouts }: StepMetrics): Promise<void> {
    const { run, progress } = this.#parts;
    const { rolloutsEvery, outputDir } = run.config.trainer;
    if (rolloutsEvery === 0 || !rollouts?.length) return;
    if (Math.floor(this.#done / rolloutsEvery) === Math.floor(progress.rolloutsAt / rolloutsEvery)) return;
    await writeRollouts(outputDir, this.#done, rollouts);
    progress.rolloutsAt = this.#done;
  }

  /** @returns true when this is the best evaluation so far, by `trainer.keepBest`. */
  async #evaluate(evaluate: (step: number) => Promise<Metrics>): Promise<boolean> {
    const { run, output, progress } = this.#parts;
    const metrics = await evaluate(this.#done);
    await output.evaluation(this.#done, metrics);
    progress.evaluation = { step: this.#done, metrics };
    this.#capture(this.#done); // an algorithm's own evaluation may have drawn from its streams
    const { keepBest } = run.config.trainer;
    if (!keepBest || !isBetter(keepBest, metrics, progress.best)) return false;
    progress.best = metrics[keepBest.metric];
    return true;
  }

  async #save(): Promise<void> {
    if (this.#saved === this.#done) return;
    const { run, output, progress, config, configYaml } = this.#parts;
    const { keepLast, keepBest } = run.config.trainer;
    const evaluated = progress.evaluation?.step === this.#done ? progress.evaluation.metrics : {};
    const folder = await saveRun(this.#checkpoints, run, {
      step: this.#done,
      ...this.#state,
      manager: progressToJson(progress),
      metrics: { ...progress.metrics, ...evaluated },
      config,
      configYaml,
    });
    this.#saved = this.#done;
    await pruneCheckpoints(this.#checkpoints, { keepLast, ...(keepBest && { keepBest }) });
    await output.checkpoint(this.#done, folder);
  }
}

function isDue(step: number, every: number): boolean {
  return every > 0 && step % every === 0;
}
