import { createComponent, TrainingError, type DependencyContainer, type Metrics, type RunLogger, type TrainStats } from "@verlet/core";
import type { ComponentChoice } from "@verlet/config";
import { JsonEvents } from "./json-events.js";

interface NamedLogger {
  name: string;
  logger: RunLogger;
}

/** Hands what happens in a run to every logger, in the order of `trainer.loggers`. */
export class RunOutput {
  readonly #loggers: readonly NamedLogger[];

  constructor(loggers: readonly NamedLogger[]) {
    this.#loggers = loggers;
  }

  async start(info: { outputDir: string; totalSteps: number; startStep: number }): Promise<void> {
    await this.#each((logger) => logger.start?.(info));
  }

  async step(step: number, metrics: Metrics): Promise<void> {
    await this.#each((logger) => logger.step(step, metrics));
  }

  async evaluation(step: number, metrics: Metrics): Promise<void> {
    await this.#each((logger) => logger.evaluation?.(step, metrics));
  }

  async checkpoint(step: number, folder: string): Promise<void> {
    await this.#each((logger) => logger.checkpoint?.(step, folder));
  }

  async end(stats: TrainStats): Promise<void> {
    await this.#each((logger) => logger.end?.(stats));
  }

  line(text: string): void {
    for (const { logger } of this.#loggers) logger.line?.(text);
  }

  async #each(call: (logger: RunLogger) => void | Promise<void> | undefined): Promise<void> {
    for (const { name, logger } of this.#loggers) {
      try {
        await call(logger);
      } catch (cause) {
        const fix = `Mend that or take ${name} out of the loggers`;
        throw new TrainingError({ where: `logger ${name}`, what: "it failed", got: (cause as Error).message, fix }, { cause });
      }
    }
  }
}

/**
 * The loggers of a run: those of the config, then the caller's. With `json` the events of `JsonEvents` take the place
 * of the loggers that write for people.
 */
export function createOutput(
  choices: readonly ComponentChoice[],
  container: DependencyContainer,
  { json = false, loggers = [] }: { json?: boolean; loggers?: readonly RunLogger[] },
): { output: RunOutput; events?: JsonEvents } {
  const events = json ? new JsonEvents() : undefined;
  const configured = choices
    .map(({ name, options }) => ({ name, logger: createComponent("logger", name, options, container) }))
    .filter(({ logger }) => !(json && logger.screen));
  const own = loggers.map((logger, i) => ({ name: `number ${i + 1} given to createManager`, logger }));
  const all = [...(events ? [{ name: "json", logger: events }] : []), ...configured, ...own];
  return { output: new RunOutput(all), ...(events && { events }) };
}
