import type { Metrics, RunLogger } from "@verlet/core";

/** Where the quickstart writes for people. */
export interface Screen {
  isTTY?: boolean;
  write(text: string): unknown;
}

const CLEAR_LINE = "\r\u001b[2K";
const BAR = 24;
/** Plain lines shown of a stage where the output is no terminal. */
const LINES = 6;

/** One stage as a bar, or as a few lines where the output is no terminal; keeps one metric of every step. */
export class StageLogger implements RunLogger {
  readonly values: number[] = [];
  readonly #screen: Screen;
  readonly #name: string;
  readonly #metric: string;
  #total = 0;
  #startStep = 0;
  #started = 0;

  constructor(screen: Screen, name: string, metric: string) {
    this.#screen = screen;
    this.#name = name;
    this.#metric = metric;
  }

  start({ totalSteps, startStep }: { totalSteps: number; startStep: number }): void {
    this.#total = totalSteps;
    this.#startStep = startStep;
    this.#started = performance.now();
  }

  step(step: number, metrics: Metrics): void {
    const value = metrics[this.#metric];
    if (value !== undefined) this.values.push(value);
    const perStep = (performance.now() - this.#started) / (step - this.#startStep);
    const left = Math.round(((this.#total - step) * perStep) / 1000);
    const what = `${this.#name} ${String(step).padStart(String(this.#total).length)}/${this.#total}`;
    const text = `  ${what}  ${this.#metric} ${value?.toFixed(3) ?? "–"}  ${left} s left`;
    const every = Math.ceil(this.#total / LINES);
    if (this.#screen.isTTY) {
      const full = Math.round((step / this.#total) * BAR);
      this.#screen.write(`${CLEAR_LINE}${text}  ${"█".repeat(full)}${"░".repeat(BAR - full)}`);
    } else if (step % every === 0 || step === this.#total) {
      this.#screen.write(`${text}\n`);
    }
  }

  /** What a run says before its first step, its plan, is left out. */
  line(text: string): void {
    if (this.#total > 0) this.#screen.write(`${this.#screen.isTTY ? CLEAR_LINE : ""}  ${text}\n`);
  }

  end(): void {
    if (this.#screen.isTTY) this.#screen.write(CLEAR_LINE);
  }
}
