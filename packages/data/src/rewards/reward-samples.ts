import type { RewardSample, Rollout } from "@verlet/core";
import { answerOf } from "../columns.js";

/** What rewards see of the rollouts; frozen, so that one reward cannot change what the next one sees. */
export function rewardSamples(rollouts: readonly Rollout[], answerColumn: string): RewardSample[] {
  return rollouts.map(({ prompt, completion, completionIds, finished }) =>
    Object.freeze({
      prompt: prompt.text,
      completion,
      messages: Object.freeze([Object.freeze({ role: "assistant", content: completion })]),
      completionIds,
      finished,
      row: prompt.row,
      answer: answerOf(prompt.row, answerColumn),
      answerColumn,
    }),
  );
}
