import { ConfigError, TrainingError, type Metrics } from "@verlet/core";
import type { ResolvedTrainerSection } from "@verlet/config";

type KeepBest = NonNullable<ResolvedTrainerSection["keepBest"]>;

/** @throws ConfigError when `trainer.keepBest.metric` cannot be an evaluation's, before any step is taken. */
export function checkKeepBest(keepBest: KeepBest | undefined): void {
  if (!keepBest || keepBest.metric.startsWith("eval/")) return;
  throw new ConfigError({
    where: "trainer.keepBest.metric",
    what: "not the name of an evaluation metric",
    got: keepBest.metric,
    expected: `a name as metrics.jsonl has it, such as eval/${keepBest.metric}`,
  });
}

/**
 * Whether this evaluation is better than the best so far.
 * @throws TrainingError when it does not measure the metric.
 */
export function isBetter({ metric, mode }: KeepBest, metrics: Metrics, best: number | undefined): boolean {
  const value = metrics[metric];
  if (value === undefined) {
    throw new TrainingError({
      where: "trainer.keepBest.metric",
      what: "the evaluation does not measure this",
      got: metric,
      expected: `one of ${Object.keys(metrics).join(", ")}`,
      fix: "Correct the name and start again: the run goes on from its last checkpoint",
    });
  }
  return best === undefined || (mode === "max" ? value > best : value < best);
}
