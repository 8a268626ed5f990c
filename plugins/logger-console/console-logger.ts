import { registerLogger, z, type Metrics, type RunLogger, type TrainStats } from "@verlet/core";
import { bar, clock, keyMetrics } from "./format.js";

/** Where the lines go; `process.stdout` is one. */
export interface Terminal {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

const CLEAR_LINE = "\r\u001b[2K";
/** Steps whose mean time makes the estimate: long enough to be calm, short enough to follow a change. */
const WINDOW = 20;

const options = z.strictObject({ every: z.int().min(1).default(1).describe("Steps between plain lines.") });

/** On a terminal a bar redrawn once a step; elsewhere a plain line every `every` steps. */
@registerLogger("console", { options, doc: "Shows progress: a bar with the time left on a terminal, plain lines elsewhere." })
export class ConsoleLogger implements RunLogger {
  readonly screen = true;
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #every: number;
  #total = 0;
  #bar = "";
  #ticks: number[] = [];

  constructor({ every }: z.output<typeof options>, terminal: Terminal = process.stdout, now: () => number = () => performance.now() / 1000) {
    this.#every = every;
    this.#terminal = terminal;
    this.#now = now;
  }

  start({ outputDir, totalSteps, startStep }: { outputDir: string; totalSteps: number; startStep: number }): void {
    this.#total = totalSteps;
    this.#ticks = [this.#now()];
    this.line(startStep > 0 ? `going on after step ${startStep} of ${totalSteps} in ${outputDir}` : `${totalSteps} ${totalSteps === 1 ? "step" : "steps"} to take; results go to ${outputDir}`);
  }

  step(step: number, metrics: Metrics): void {
    this.#ticks = [...this.#ticks, this.#now()].slice(-WINDOW - 1);
    const seconds = (this.#ticks.at(-1)! - this.#ticks[0]!) / Math.max(1, this.#ticks.length - 1);
    const left = clock(seconds * (this.#total - step));
    const values = keyMetrics(metrics);
    if (this.#terminal.isTTY) {
      const text = `${step}/${this.#total} ${bar(step, this.#total, 20)} ${left} left  ${values}`;
      this.#bar = text.slice(0, Math.max(20, (this.#terminal.columns ?? 80) - 1));
      this.#terminal.write(CLEAR_LINE + this.#bar);
    } else if (step % this.#every === 0 || step === this.#total) {
      this.line(`step ${step}/${this.#total}  ${values}  ${seconds.toFixed(2)} s/step  ${left} left`);
    }
  }

  evaluation(step: number, metrics: Metrics): void {
    this.line(`step ${step}/${this.#total}  ${keyMetrics(metrics)}`);
  }

  checkpoint(_step: number, folder: string): void {
    this.line(`saved ${folder}`);
  }

  line(text: string): void {
    this.#terminal.write(this.#bar ? `${CLEAR_LINE}${text}\n${this.#bar}` : `${text}\n`);
  }

  end({ steps, totalSteps, seconds, outputDir, backend, interrupted }: TrainStats): void {
    if (this.#bar) this.#terminal.write("\n");
    this.#bar = "";
    this.line(
      interrupted
        ? `stopped after step ${steps} of ${totalSteps}; start the same run again to go on from there (${outputDir})`
        : `done: ${steps} steps in ${clock(seconds)} on ${backend}, written to ${outputDir}`,
    );
  }
}
