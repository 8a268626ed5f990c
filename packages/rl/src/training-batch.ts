import type { Advantage, Metrics, Policy, PolicyBatch, Run, ScoredBatch, ScoredRollout } from "@verlet/core";
import { computeAdvantages } from "./compute-advantages.js";
import { packRollouts } from "./pack-rollouts.js";
import { batchLogProbs, type PolicyStepOptions } from "./policy-step.js";
import { completionMetrics } from "./rollout-metrics.js";

/** A sampled, scored and compared batch, ready for one or more updates. */
export interface TrainingBatch {
  policy: PolicyBatch;
  /** What was sampled, with the advantage of each row, for the rollouts file. */
  rollouts: (ScoredRollout & { advantage: number })[];
  metrics: Metrics;
}

/** What `prepareBatch` reads of a run. */
export type BatchContext = Pick<Run, "tokenizer" | "config" | "reference"> & { advantage?: Advantage };

/** Scores → packed tensors' numbers, advantages and, where the loss has a KL term, the reference's log-probs. */
export function prepareBatch({ tokenizer, config, advantage, reference }: BatchContext, { rollouts, metrics }: ScoredBatch): TrainingBatch {
  const packed = packRollouts(rollouts, tokenizer.padTokenId, config.loss.maskTruncated);
  const compared = computeAdvantages(advantage!, rollouts, packed);
  const policy: PolicyBatch = { ...packed, advantages: compared.advantages };
  if (reference && config.loss.klCoef > 0) policy.refLogProbs = referenceLogProbs(reference, policy, config);
  return {
    policy,
    rollouts: rollouts.map((rollout, row) => ({ ...rollout, advantage: compared.rows[row]! })),
    metrics: { ...metrics, ...completionMetrics(rollouts), ...compared.metrics },
  };
}

function referenceLogProbs(reference: Pick<Policy, "logProbs">, batch: PolicyBatch, { rollout, trainer }: Run["config"]): Float32Array {
  return batchLogProbs(reference, batch, { temperature: rollout.temperature, microBatchSize: trainer.microBatchSize });
}

/** The options of `policyGradients` as the YAML sets them. */
export function policyStepOptions(run: Pick<Run, "config" | "rng">): PolicyStepOptions {
  const { loss, rollout, trainer } = run.config;
  return {
    loss,
    temperature: rollout.temperature,
    microBatchSize: trainer.microBatchSize,
    maxTokens: rollout.maxNewTokens,
    dropout: run.rng("dropout"),
  };
}
