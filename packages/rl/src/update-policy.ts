import { tf } from "@verlet/backend";
import type { Metrics, PolicyBatch, Run } from "@verlet/core";
import { passOptions } from "./pass-options.js";
import { policyGradients, type PolicyStepOptions } from "./policy-step.js";

/**
 * One optimizer step of the policy on a prepared batch.
 * @returns the step's metrics and the policy's log-probs before it, [B, C]
 */
export function updatePolicy(run: Pick<Run, "config" | "policy" | "policyLoss" | "optimizer" | "kl" | "rng">, batch: PolicyBatch): { metrics: Metrics; logProbs: Float32Array } {
  const { gradients, metrics, logProbs } = policyGradients(run.policy, run.policyLoss!, batch, policyStepOptions(run));
  const update = run.optimizer.step(gradients);
  tf.dispose(gradients);
  const { kl } = metrics;
  if (batch.refLogProbs && kl !== undefined) { // nothing is measured where no row could be scored
    metrics["kl_coef"] = run.kl.coef;
    run.kl.observe(kl, batch.tokens.rows);
  }
  return { metrics: { ...metrics, ...update }, logProbs };
}

/** The options of `policyGradients` as the YAML sets them. */
export function policyStepOptions(run: Pick<Run, "config" | "rng" | "kl">): PolicyStepOptions {
  const { loss, rollout } = run.config;
  return {
    ...passOptions(run.config),
    loss: { ...loss, klCoef: run.kl.coef },
    maxTokens: rollout.maxNewTokens,
    dropout: run.rng("dropout"),
    rng: run.rng("loss"),
  };
}
