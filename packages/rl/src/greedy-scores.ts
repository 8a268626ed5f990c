import type { Metrics, Prompt, Rollout, Run } from "@verlet/core";
import { sampleGroups } from "@verlet/rollout";
import { meanOf } from "./masked.js";

/**
 * Scores one greedy completion of each prompt, the baseline of ReMax (Li et al. 2024).
 * @returns [B], the same for all rows of a prompt, NaN where it could not be scored; and their mean as a metric
 */
export async function greedyBaseline(run: Pick<Run, "policy" | "tokenizer" | "config" | "rewards" | "rng" | "step" | "signal">, rollouts: readonly Rollout[]): Promise<{ greedyScores: Float32Array; metrics: Metrics }> {
  const prompts = new Map<number, Prompt>(rollouts.map(({ group, prompt }) => [group, prompt]));
  const greedy = { ...run.config.rollout, numGenerations: 1, temperature: 0, topP: 1, topK: 0, minP: 0 };
  const sampled = await sampleGroups(run.policy, run.tokenizer, [...prompts.values()], greedy, run.rng("greedy"));
  const scored = await run.rewards!.score(sampled, { step: run.step, signal: run.signal });
  const groups = [...prompts.keys()]; // the greedy samples are numbered from 0
  const byGroup = new Map(scored.rollouts.map(({ group, score }) => [groups[group]!, score ?? NaN]));
  const known = [...byGroup.values()].filter((score) => !Number.isNaN(score));
  return {
    greedyScores: Float32Array.from(rollouts, ({ group }) => byGroup.get(group) ?? NaN),
    metrics: known.length > 0 ? { reward_greedy: meanOf(known) } : {},
  };
}
