import type { Metrics, Policy, RewardManager, StepMetrics } from "@verlet/core";

/** Adds up where the time of one step goes. */
export class StepTimes {
  readonly #ms = new Map<string, number>();

  /** Runs `work` on account of `part`; a promise counts until it is settled. */
  measure<T>(part: string, work: () => T): T {
    const started = performance.now();
    const add = (): void => void this.#ms.set(part, (this.#ms.get(part) ?? 0) + performance.now() - started);
    let pending = false;
    try {
      const result = work();
      if (!(result instanceof Promise)) return result;
      pending = true;
      return result.finally(add) as T;
    } finally {
      if (!pending) add();
    }
  }

  /** `timing/<part>` in seconds since the last call, for the parts that there were. */
  take(): Metrics {
    const metrics = Object.fromEntries([...this.#ms].map(([part, ms]) => [`timing/${part}`, seconds(ms)]));
    this.#ms.clear();
    return metrics;
  }
}

/** The same policy; what its sampling takes is `timing/generate`. */
export function timedPolicy(policy: Policy, times: StepTimes): Policy {
  return {
    get trainable() {
      return policy.trainable;
    },
    logProbs: (...given) => policy.logProbs(...given),
    generate: (...given) => times.measure("generate", () => policy.generate(...given)),
    save: (...given) => policy.save(...given),
    restore: (folder) => policy.restore(folder),
    dispose: () => policy.dispose(),
  };
}

/** The same rewards; what scoring takes is `timing/reward`. */
export function timedRewards(rewards: RewardManager, times: StepTimes): RewardManager {
  return { score: (...given) => times.measure("reward", () => rewards.score(...given)) };
}

/** `perf/tokens_per_second`: the step's tokens, prompts and completions without padding, by its time; empty where it took in none. */
export function throughput({ metrics, rollouts }: StepMetrics, ms: number): Metrics {
  const tokens = metrics["num_tokens"] ?? rollouts?.reduce((sum, { prompt, completionIds }) => sum + prompt.ids.length + completionIds.length, 0);
  return tokens === undefined ? {} : { "perf/tokens_per_second": Math.round(tokens / (ms / 1000)) };
}

/** To the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
