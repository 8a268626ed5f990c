import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { registerLogger, z, type Metrics, type RunLogger } from "@verlet/core";
import type { EventFile } from "./event-file.js";

const options = z.strictObject({
  dir: z.string().min(1).optional().describe("Folder of the event files, one for each run; runs/ in the run's folder without it."),
});

/**
 * Writes event files that TensorBoard shows, without TensorFlow: on every backend. A resumed run adds a file, whose first records
 * make TensorBoard forget the steps that are taken again.
 */
@registerLogger("tensorboard", { options, doc: "Writes every step's metrics as TensorBoard's event files to runs/ in the run's folder." })
export class TensorboardLogger implements RunLogger {
  readonly #dir: string | undefined;
  readonly #now: () => number;
  #messages!: typeof import("./event-message.js");
  #file!: EventFile;

  /** @param now seconds since 1970. */
  constructor({ dir }: z.output<typeof options> = {}, now: () => number = () => Date.now() / 1000) {
    this.#dir = dir;
    this.#now = now;
  }

  async start({ outputDir, startStep }: { outputDir: string; startStep: number }): Promise<void> {
    this.#messages = await import("./event-message.js");
    const { EventFile } = await import("./event-file.js");
    const { startEvent, textEvent } = this.#messages;
    this.#file = await EventFile.create(this.#dir ?? join(outputDir, "runs"), this.#now());
    const first = { wallTime: this.#now(), step: startStep + 1 };
    const config = await readFile(join(outputDir, "config.resolved.yaml"), "utf8").catch(() => undefined);
    await this.#file.append(startEvent(first), ...(config === undefined ? [] : [textEvent(first, "config", asCode(config))]));
  }

  async step(step: number, metrics: Metrics): Promise<void> {
    await this.#file.append(this.#messages.scalarsEvent({ wallTime: this.#now(), step }, metrics));
  }

  async evaluation(step: number, metrics: Metrics): Promise<void> {
    await this.step(step, metrics);
  }
}

/** Indented, so that no line of the text can end the block. */
const asCode = (text: string): string => text.replaceAll(/^/gm, "    ");
