import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { registerLogger, SIGNAL, z, type DependencyContainer, type Metrics, type RunLogger } from "@verlet/core";
import { openRun } from "./open-run.js";
import { findSdk, importSdk, type WandbRun, type WandbSdk } from "./wandb-sdk.js";

const options = z.strictObject({
  project: z.string().min(1).optional().describe("Project of Weights & Biases; WANDB_PROJECT or verlet without it."),
  entity: z.string().min(1).optional().describe("User or team; WANDB_ENTITY or the key's own without it."),
  runName: z.string().min(1).optional().describe("Name of the run there; WANDB_NAME or the name of the run's folder without it."),
});
type Options = z.output<typeof options>;

export interface WandbParts {
  load(): Promise<WandbSdk>;
  /** Aborted when no more is to come, whether the run came to its end or failed. */
  signal?: AbortSignal;
  /** Shows the user a line; on standard error without it. */
  notify?: (line: string) => void;
}

/**
 * Sends metrics to Weights & Biases: one row a step, in which an evaluation after the step stands too. A resumed run is another
 * run there, which begins at its step: the SDK cannot go on with one.
 */
export class WandbLogger implements RunLogger {
  readonly #options: Options;
  readonly #parts: WandbParts;
  #run: WandbRun | undefined;
  #row: { step: number; metrics: Metrics } | undefined;

  constructor(chosen: Options, parts: WandbParts) {
    this.#options = chosen;
    this.#parts = parts;
  }

  /** @throws Error when no run can be opened. */
  async start({ outputDir }: { outputDir: string }): Promise<void> {
    const { WANDB_PROJECT, WANDB_ENTITY, WANDB_NAME } = process.env;
    const { project = WANDB_PROJECT || "verlet", entity = WANDB_ENTITY || undefined, runName = WANDB_NAME || basename(resolve(outputDir)) } = this.#options;
    const { load, signal, notify = (line) => void process.stderr.write(`${line}\n`) } = this.#parts;
    const config = await resolvedConfig(outputDir);
    this.#run = await openRun(await load(), { project, ...(entity !== undefined && { entity }), name: runName, config, settings: { silent: true } });
    notify(`Weights & Biases: ${this.#run.url()}`);
    // A run that fails has no end; without finish() the SDK keeps the process alive.
    signal?.addEventListener("abort", () => void this.#finish(1).catch((error: Error) => notify(`logger wandb: ${error.message}`)));
  }

  step(step: number, metrics: Metrics): void {
    if (this.#row?.step !== step) this.#send();
    this.#row = { step, metrics: { ...this.#row?.metrics, ...metrics } };
  }

  evaluation(step: number, metrics: Metrics): void {
    this.step(step, metrics);
  }

  async end(): Promise<void> {
    await this.#finish(0);
  }

  #send(): void {
    if (this.#row) this.#run?.log(Object.fromEntries(Object.entries(this.#row.metrics).map(([name, value]) => [name, jsonNumber(value)])), this.#row.step);
    this.#row = undefined;
  }

  async #finish(code: number): Promise<void> {
    this.#send();
    const run = this.#run;
    this.#run = undefined;
    await run?.finish(code);
  }
}

const doc = "Sends every step's metrics to Weights & Biases, with the user's own @wandb/sdk.";
registerLogger<Options>("wandb", { options, check: () => void findSdk(), doc })((chosen: Options, container: DependencyContainer) => {
  const file = findSdk();
  const signal = container.isRegistered(SIGNAL, true) ? container.resolve<AbortSignal>(SIGNAL) : undefined;
  return new WandbLogger(chosen, { load: () => importSdk(file), ...(signal && { signal }) });
});

/** JSON has no such numbers; Weights & Biases knows them by these words. */
const jsonNumber = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

async function resolvedConfig(outputDir: string): Promise<unknown> {
  const text = await readFile(join(outputDir, "config.resolved.yaml"), "utf8").catch(() => undefined);
  if (text === undefined) return {};
  const { parse } = await import("yaml");
  return parse(text);
}
