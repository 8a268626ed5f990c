import type { LogProbOptions } from "@verlet/core";
import { filterLogits } from "@verlet/rollout";

/** What sampling removes from one row of logits at their temperature, in place; undefined where it removes nothing. */
export function rowFilter(filter: LogProbOptions["filter"]): ((logits: Float32Array) => void) | undefined {
  if (!filter || (filter.topK === 0 && filter.topP === 1 && filter.minP === 0)) return undefined;
  return (logits) => filterLogits(logits, { ...filter, temperature: 1, repetitionPenalty: 1 }, []);
}
