import type { Advantage, Metrics, PolicyBatch, Provision, Run, ScoredBatch, ScoredRollout } from "@verlet/core";
import { computeAdvantages, type AdvantageSignals } from "./compute-advantages.js";
import { greedyBaseline } from "./greedy-scores.js";
import { klInReward, type Rewards } from "./kl-in-reward.js";
import { packRollouts, type PackedRollouts } from "./pack-rollouts.js";
import { batchDistribution, batchLogProbs } from "./policy-step.js";
import { completionMetrics } from "./rollout-metrics.js";
import { passOptions } from "./pass-options.js";

/** A sampled, scored and compared batch, ready for one or more updates. */
export interface TrainingBatch {
  policy: PolicyBatch;
  /** What was sampled, with the advantage of each row, for the rollouts file. */
  rollouts: (ScoredRollout & { advantage: number })[];
  metrics: Metrics;
}

/** What `prepareBatch` can give to an advantage estimator, for a trainer's `provides`. */
export const batchProvisions: readonly Provision[] = ["greedyBaseline", "perRewardScores", "tokenDistribution"];

/** What `prepareBatch` reads of a run. */
export type BatchContext = Pick<Run, "tokenizer" | "config" | "reference" | "policy" | "rewards" | "advantageNeeds" | "kl" | "rng" | "step" | "signal"> & { advantage?: Advantage };

/** What a trainer brings along. */
export interface BatchExtras {
  /** A critic's values of every completion token, [B, C]. */
  values?(packed: PackedRollouts): Float32Array;
  /** In place of the run's estimator, for algorithms whose advantage is a part of them. */
  advantage?: Advantage;
}

/**
 * Scores → packed tensors' numbers and advantages, with what the estimator and the loss ask for: greedy baselines, the
 * policy's own log-probs, the reference's, KL in the reward.
 */
export async function prepareBatch(run: BatchContext, { rollouts, metrics }: ScoredBatch, extras: BatchExtras = {}): Promise<TrainingBatch> {
  const { config, advantageNeeds: needs } = run;
  const { klPlace, klEstimator, miniBatches } = config.loss;
  const packed = packRollouts(rollouts, run.tokenizer.padTokenId, config.loss.maskTruncated);
  const whole: PolicyBatch = { ...packed, mask: packed.completionMask, advantages: new Float32Array(packed.mask.length) };
  const hasKl = config.loss.klCoef > 0 && run.reference !== undefined;
  const pass = passOptions(config);

  const refLogProbs = hasKl ? batchLogProbs(run.reference!, whole, pass) : undefined;
  const wantsOld = (hasKl && klPlace === "reward") || miniBatches > 1 || needs.tokenDistribution === true;
  const own = wantsOld ? batchDistribution(run.policy, whole, { ...pass, sumSquares: needs.tokenDistribution === true }) : undefined;
  const greedy = needs.greedyBaseline ? await greedyBaseline(run, rollouts) : undefined;
  const placed = placeScores(rollouts, packed);
  const penalised = hasKl && klPlace === "reward" ? klInReward(placed, packed, own!.logProbs, refLogProbs!, klEstimator, run.kl) : { ...placed, metrics: {} };
  const values = extras.values?.(packed);
  const signals: AdvantageSignals = {
    scores: penalised.scores,
    tokenRewards: penalised.tokenRewards,
    groups: Int32Array.from(rollouts, ({ group }) => group),
    rewardScores: config.rewards.map(({ name, weight }) => ({ name, weight, scores: Float32Array.from(rollouts, ({ rewards }) => rewards[name] ?? NaN) })),
    ...(values && { values }),
    ...(greedy && { greedyScores: greedy.greedyScores }),
    ...(own?.sumSquares && { oldLogProbs: own.logProbs, sumPiSquared: own.sumSquares, importanceWeights: own.logProbs.map((logProb, i) => Math.exp(logProb - packed.sampledLogProbs[i]!)) }),
  };
  const compared = computeAdvantages(extras.advantage ?? run.advantage!, packed, signals);
  return {
    policy: {
      ...packed,
      advantages: compared.advantages,
      ...(miniBatches > 1 && { oldLogProbs: own!.logProbs }),
      ...(hasKl && klPlace === "loss" && { refLogProbs: refLogProbs! }),
      ...(values && { values, returns: compared.returns }),
    },
    rollouts: rollouts.map((rollout, row) => ({ ...rollout, advantage: compared.rows[row]! })),
    metrics: { ...metrics, ...greedy?.metrics, ...penalised.metrics, ...completionMetrics(rollouts), ...compared.metrics },
  };
}

/** An outcome score sits on the row's last token. */
function placeScores(rollouts: readonly ScoredRollout[], { completionWidth: width, tokens }: PackedRollouts): Rewards {
  const tokenRewards = new Float32Array(tokens.rows * width); // [B, C]
  rollouts.forEach(({ score, completionIds }, row) => {
    if (completionIds.length > 0) tokenRewards[row * width + completionIds.length - 1] = score ?? 0;
  });
  return { scores: Float32Array.from(rollouts, ({ score }) => score ?? NaN), tokenRewards };
}
