import type { LogProbOptions, Run } from "@verlet/core";

/** How the log-probs of a run's loss are computed: at the rollout's temperature and, where asked, over what its filters keep. */
export function passOptions({ loss, rollout, trainer }: Pick<Run["config"], "loss" | "rollout" | "trainer">): Pick<LogProbOptions, "temperature" | "filter"> & { microBatchSize: number } {
  const { temperature, topP, topK, minP } = rollout;
  return { temperature, microBatchSize: trainer.microBatchSize, ...(loss.renormalize && { filter: { topP, topK, minP } }) };
}
