/** What parts ask of a run, in words. */
import type { Needs } from "@verlet/core";

export const needWords: Readonly<Record<keyof Needs, (value: number | boolean) => string>> = {
  leastGroupSize: (value) => `rollout.numGenerations of at least ${value}`,
  critic: () => "values from a critic",
  reference: () => "a frozen reference model",
  greedyBaseline: () => "the score of each prompt's greedy completion",
  perRewardScores: () => "each reward's own scores",
  tokenDistribution: () => "the policy's distribution at each token (one more forward pass)",
};

export function wordsForNeeds(needs: Needs): string[] {
  return (Object.keys(needWords) as (keyof Needs)[]).flatMap((key) => (needs[key] ? [needWords[key](needs[key])] : []));
}
