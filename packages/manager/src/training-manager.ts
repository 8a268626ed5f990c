import {
  createComponent,
  inject,
  registerTrainingManager,
  registry,
  TrainingError,
  type EvalResult,
  type TrainingManager,
  type TrainStats,
} from "@verlet/core";
import { checkParts, type LoadedConfig, type ResolvedConfig } from "@verlet/config";
import { buildRun } from "./build-run.js";
import { evaluateModel, readEvalRows } from "./evaluation.js";
import { findStart } from "./find-start.js";
import type { LiveRun } from "./live-run.js";
import { LOADED_CONFIG, MANAGER_OPTIONS, type ManagerOptions } from "./manager-options.js";
import { huggingFaceFolder } from "./model-source.js";
import { withChanges, type RunChanges } from "./run-config.js";
import { exportModel } from "./run-folder.js";
import { createOutput } from "./run-output.js";
import { openSession, type Session } from "./session.js";
import { trainRun } from "./train-run.js";

export const DEFAULT_MANAGER = "default";

/** Owns a run from its config to the folder it leaves; knows no algorithm. */
@registerTrainingManager(DEFAULT_MANAGER, { doc: "Trains, evaluates, saves and resumes on this machine." })
export class DefaultTrainingManager implements TrainingManager {
  readonly #loaded: LoadedConfig;
  readonly #options: ManagerOptions;
  #session: Promise<Session> | undefined;
  /** The latest run; its trainer also evaluates. */
  #run: LiveRun | undefined;
  #training = false;

  constructor(@inject(LOADED_CONFIG) loaded: LoadedConfig, @inject(MANAGER_OPTIONS) options: ManagerOptions) {
    this.#loaded = loaded;
    this.#options = options;
  }

  /**
   * Runs the algorithm from where `trainer.resume` says to its last step. A second call goes on from the weights there
   * are, as a run of its own.
   * @throws VerletError; what was written until then stays, and the last good step is saved.
   */
  async train(changes: RunChanges = {}): Promise<TrainStats> {
    if (this.#training) {
      throw new TrainingError({ where: "train", what: "this manager is training already", fix: "Await the first call, or make a second manager" });
    }
    this.#training = true;
    const wasClosed = registry.isClosed;
    try {
      const loaded = await withChanges(this.#loaded, changes);
      checkParts(loaded.config); // these two before anything heavy is loaded
      const start = await findStart(loaded);
      const session = await this.#open(loaded.config);
      const { output, events } = createOutput(loaded.config.trainer.loggers, session.container, this.#options);
      this.#closeRun();
      this.#run = await buildRun(session, loaded, (line) => output.line(line));
      registry.close();
      return await trainRun({ session, loaded, start, run: this.#run, output, events, signal: this.#options.signal, modelOnInterrupt: this.#options.modelOnInterrupt });
    } finally {
      this.#training = false;
      if (!wasClosed) registry.open();
    }
  }

  /**
   * Measures the model as it is now, before or after training.
   * @returns metrics named `eval/…`, and with `details` one record per question.
   */
  async evaluate({ dataPath, details = false }: { dataPath?: string; details?: boolean } = {}): Promise<EvalResult> {
    const session = await this.#open();
    const rows = await readEvalRows(this.#loaded.config, (line) => this.#options.loggers?.forEach((logger) => logger.line?.(line)), dataPath);
    const { name, options } = this.#loaded.config.algorithm;
    if (!this.#run && createComponent("trainer", name, options, session.container).evaluate) {
      this.#run = await buildRun(session, this.#loaded, () => undefined, { trains: false });
    }
    const signal = this.#options.signal ?? new AbortController().signal;
    return evaluateModel(session, this.#run?.trainer, this.#loaded.config, rows, { step: 0, signal, details });
  }

  /** Writes the model's folder, ready for transformers or PEFT. */
  async save(path: string): Promise<void> {
    const { policy, tokenizer } = await this.#open();
    await exportModel(path, policy, tokenizer);
  }

  /** Takes the weights (adapter under LoRA) from a folder or checkpoint of the same model. */
  async load(path: string): Promise<void> {
    const { policy } = await this.#open();
    await policy.restore(path);
  }

  async dispose(): Promise<void> {
    this.#closeRun();
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    session?.dispose();
  }

  /** @param training the config of the run that it is opened for, if any */
  #open(training?: ResolvedConfig): Promise<Session> {
    return (this.#session ??= openSession(this.#loaded, this.#options.models ?? huggingFaceFolder, training).catch((error: unknown) => {
      this.#session = undefined; // the next call may ask for less
      throw error;
    }));
  }

  #closeRun(): void {
    this.#run?.dispose();
    this.#run = undefined;
  }
}
