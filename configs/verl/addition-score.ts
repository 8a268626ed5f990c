/**
 * A reward as VERL's scripts write it: 1 where the number after `####` is right and nothing follows it, 0 otherwise.
 * configs/verl/*.yaml name it under reward.custom_reward_function.
 */
export function computeScore(_dataSource: string, solution: string, groundTruth: unknown): number {
  const answer = /####\s*(-?\d+)\s*$/.exec(solution)?.[1];
  return answer === String(groundTruth) ? 1 : 0;
}
