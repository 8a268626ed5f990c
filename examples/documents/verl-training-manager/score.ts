/** The reward that grpo.yaml names: 1 where the response ends in the right number. */
export function computeScore(_dataSource: string, solution: string, groundTruth: unknown): number {
  return /(-?\d+)\s*$/.exec(solution)?.[1] === String(groundTruth) ? 1 : 0;
}
