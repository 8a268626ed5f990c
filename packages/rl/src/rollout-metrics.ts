import type { Metrics, Rollout } from "@verlet/core";
import { meanOf } from "./masked.js";

/** Lengths of the completions, named as TRL names them. "Terminated" are those that a stop token ended. */
export function completionMetrics(rollouts: readonly Rollout[]): Metrics {
  const all = rollouts.map(({ completionIds }) => completionIds.length);
  const terminated = rollouts.filter(({ finished }) => finished).map(({ completionIds }) => completionIds.length);
  return {
    "completions/mean_length": meanOf(all),
    "completions/min_length": Math.min(...all),
    "completions/max_length": Math.max(...all),
    "completions/clipped_ratio": 1 - terminated.length / all.length,
    ...(terminated.length > 0 && { "completions/mean_terminated_length": meanOf(terminated) }),
  };
}
