/** What a run measures while it goes on. */
import type { Metrics, RunLogger } from "@verlet/core";

/** One step, as the documents' log line has it: `Epoch 1/2 | Step 100/500 | Reward: 0.45 | KL: 0.023 | Loss: 1.234`. */
export interface TrainProgress {
  step: number;
  totalSteps: number;
  metrics: Metrics;
  line: string;
}

/** Keeps the rewards of all steps, and tells the caller of each. */
export class ProgressLogger implements RunLogger {
  readonly #epochs: number;
  readonly #tell: ((progress: TrainProgress) => void) | undefined;
  readonly #every: number;
  readonly #rewards: number[] = [];
  #totalSteps = 0;

  /** @param every steps between two tellings; the last step is always told */
  constructor(epochs: number, tell?: (progress: TrainProgress) => void, every = 1) {
    this.#epochs = epochs;
    this.#every = every;
    this.#tell = tell;
  }

  /** Mean of the steps' mean rewards; undefined where nothing was rewarded. */
  get meanReward(): number | undefined {
    const rewards = this.#rewards;
    return rewards.length > 0 ? rewards.reduce((sum, value) => sum + value, 0) / rewards.length : undefined;
  }

  start({ totalSteps }: { totalSteps: number }): void {
    this.#totalSteps = totalSteps;
  }

  step(step: number, metrics: Metrics): void {
    if (metrics.reward !== undefined) this.#rewards.push(metrics.reward);
    if (step % this.#every === 0 || step === this.#totalSteps) this.#tell?.({ step, totalSteps: this.#totalSteps, metrics, line: this.#line(step, metrics) });
  }

  #line(step: number, { epoch, reward, kl, loss }: Metrics): string {
    const values = Object.entries({ Reward: reward?.toFixed(2), KL: kl?.toFixed(3), Loss: loss?.toFixed(3) }).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    const current = Math.min(this.#epochs, Math.max(1, Math.ceil(epoch ?? 1)));
    return [`Epoch ${current}/${this.#epochs}`, `Step ${step}/${this.#totalSteps}`, ...values].join(" | ");
  }
}
