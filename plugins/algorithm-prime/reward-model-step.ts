import { gradientsOf, scope, tf } from "@verlet/backend";
import type { Companion, Metrics, Policy, PolicyBatch, Rng, Run, ScoredRollout } from "@verlet/core";
import { batchLogProbs, completionLogProbs, meanOf, microBatches, packRollouts, scoredRowsByGroup, stopGradient, writeRows, type MicroBatch } from "@verlet/rl";
import { binaryCrossEntropy } from "./binary-cross-entropy.js";
import { processRewards } from "./process-rewards.js";

export interface RewardModelOptions {
  beta: number;
  normalize: boolean;
  /** When the model learns from a batch: before it judges it (one pass more), or after. */
  update: "before" | "after";
}

/** Log-probs here are of the model's own distribution, whatever the temperature of the rollout (as in verl's recipe). */
const TEMPERATURE = 1;

/** Each token's process reward, [B, C], after or before the reward model has learned from the batch's outcomes. */
export function teachAndJudge(
  run: Pick<Run, "config" | "reference" | "rng" | "tokenizer">,
  { model, optimizer }: Companion<Policy>,
  rollouts: readonly ScoredRollout[],
  outcomes: Float32Array,
  options: RewardModelOptions,
): { process: Float32Array; lengths: Int32Array; metrics: Metrics } {
  const { microBatchSize } = run.config.trainer;
  const packed = packRollouts(rollouts, run.tokenizer.padTokenId, false);
  const batch: PolicyBatch = { ...packed, mask: packed.completionMask, advantages: new Float32Array(packed.mask.length) };
  batch.refLogProbs = batchLogProbs(run.reference!, batch, { temperature: TEMPERATURE, microBatchSize });

  const { gradients, loss, q: before } = rewardModelGradients(model, batch, outcomes, { beta: options.beta, microBatchSize, dropout: run.rng("reward-model/dropout") });
  const { grad_norm, learning_rate } = optimizer.step(gradients);
  tf.dispose(gradients);
  const q = options.update === "after" ? before : logRatios(batchLogProbs(model, batch, { temperature: TEMPERATURE, microBatchSize }), batch); // [B, C]

  const lengths = Int32Array.from(rollouts, ({ completionIds }) => completionIds.length);
  const shape = { lengths, width: packed.completionWidth };
  const process = processRewards(q, shape, options); // [B, C]
  const totals = rowSums(q, shape.width);
  const right = pairAccuracy(totals, outcomes, Int32Array.from(rollouts, ({ group }) => group));
  return {
    process,
    lengths,
    metrics: {
      "reward_model/dpo_loss": loss,
      "reward_model/grad_norm": grad_norm!,
      "reward_model/lr": learning_rate!,
      "reward_model/reward": meanOf(rowSums(process, shape.width)),
      "reward_model/raw_reward": meanOf(totals),
      ...(right !== undefined && { "reward_model/dpo_acc": right }),
    },
  };
}

/**
 * Gradient of the reward model's loss, the mean over scored rows of BCE(σ(β · Σ_t q_t), y) (verl recipe/prime
 * `compute_ce_dpo_loss_rm`); cut into micro-batches it sums to the same.
 * @param batch with `refLogProbs` · @param outcomes [B], NaN rows are left out
 * @returns gradients in the order of `model.trainable`, which the caller disposes of; q [B, C] of the model before the update
 */
export function rewardModelGradients(
  model: Policy,
  batch: PolicyBatch,
  outcomes: Float32Array,
  { beta, microBatchSize, dropout }: { beta: number; microBatchSize: number; dropout?: Rng },
): { gradients: tf.Tensor[]; loss: number; q: Float32Array } {
  const variables = model.trainable.map(({ variable }) => variable);
  const scored = Math.max(1, outcomes.filter((y) => !Number.isNaN(y)).length);
  const logProbs = new Float32Array(batch.mask.length);
  let gradients: tf.Tensor[] | undefined;
  let loss = 0;
  for (const micro of microBatches(batch, microBatchSize)) {
    let seen!: tf.Tensor2D;
    const part = gradientsOf(() => {
      const live = completionLogProbs(model, micro, { temperature: TEMPERATURE, ...(dropout && { dropout }) }).logProbs; // [B, C]
      seen = tf.keep(stopGradient(live));
      return tf.div<tf.Scalar>(outcomeLoss(live, micro, outcomes.subarray(micro.start, micro.end), beta), scored);
    }, variables, gradients);
    loss += part.value.dataSync()[0]!;
    writeRows(logProbs, batch, micro, seen.dataSync());
    tf.dispose([part.value, seen]);
    gradients = part.gradients;
  }
  return { gradients: gradients ?? variables.map((variable) => tf.zerosLike(variable)), loss, q: logRatios(logProbs, batch) };
}

/** Sum over the slice's scored rows. */
function outcomeLoss(logProbs: tf.Tensor2D, { mask, refLogProbs }: MicroBatch, outcomes: Float32Array, beta: number): tf.Scalar {
  return scope(() => {
    const fixed = (values: Float32Array): tf.Tensor2D => tf.tensor2d(values, logProbs.shape);
    const q = tf.mul(tf.sub(logProbs, fixed(refLogProbs!)), fixed(mask)); // [B, C]
    const logits = tf.mul<tf.Tensor1D>(tf.sum(q, 1), beta); // [B]
    const losses = binaryCrossEntropy(logits, tf.tensor1d(outcomes.map((y) => (Number.isNaN(y) ? 0 : y))));
    return tf.sum<tf.Scalar>(tf.mul(losses, tf.tensor1d(outcomes.map((y) => (Number.isNaN(y) ? 0 : 1)))));
  });
}

/**
 * Share of pairs within a group that the model orders as their outcomes do, each pair counted by how far its outcomes lie
 * apart; undefined where no outcomes differ (verl's recipe counts such a group as one half).
 * @param totals [B], Σ_t q_t
 */
export function pairAccuracy(totals: ArrayLike<number>, outcomes: Float32Array, groups: Int32Array): number | undefined {
  let right = 0;
  let all = 0;
  for (const rows of scoredRowsByGroup(outcomes, groups).values()) {
    for (const [i, a] of rows.entries()) {
      for (const b of rows.slice(i + 1)) {
        const apart = outcomes[a]! - outcomes[b]!;
        all += Math.abs(apart);
        if (totals[a]! > totals[b]! === apart > 0) right += Math.abs(apart);
      }
    }
  }
  return all === 0 ? undefined : right / all;
}

/** log p − log p_reference where there is a completion token, 0 elsewhere; [B, C]. */
const logRatios = (logProbs: Float32Array, { refLogProbs, mask }: PolicyBatch): Float32Array => logProbs.map((value, i) => (mask[i] ? value - refLogProbs![i]! : 0));

function rowSums(values: Float32Array, width: number): number[] {
  return Array.from({ length: values.length / width }, (_, row) => values.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0));
}
