import { scope, tf } from "@verlet/backend";
import { ShapeError, type Advantage, type AdvantageInput, type Metrics, type RewardScores } from "@verlet/core";
import { meanOf } from "./masked.js";
import type { PackedRollouts } from "./pack-rollouts.js";

/** What an estimator may look at, on the host; arrays of a number a token are [B, C]. */
export interface AdvantageSignals {
  /** [B], NaN where a row could not be scored. */
  scores: Float32Array;
  tokenRewards: Float32Array;
  /** [B] */
  groups: Int32Array;
  values?: Float32Array;
  /** [B] */
  greedyScores?: Float32Array;
  rewardScores?: readonly RewardScores[];
  oldLogProbs?: Float32Array;
  sumPiSquared?: Float32Array;
  importanceWeights?: Float32Array;
}

export interface ComputedAdvantages {
  /** [B, C] */
  advantages: Float32Array;
  /** [B, C] */
  returns: Float32Array;
  /** [B], the mean over each row's tokens, for the rollouts file; 0 where it has none. */
  rows: Float32Array;
  metrics: Metrics;
}

const tokenArrays = ["values", "oldLogProbs", "sumPiSquared", "importanceWeights"] as const;

/**
 * Runs an advantage estimator over a scored batch.
 * Estimators see every completion token, masked-out rows included: those still count in their group's statistics.
 * @throws ShapeError when what it returns is not [B, C]
 */
export function computeAdvantages(advantage: Advantage, packed: PackedRollouts, signals: AdvantageSignals): ComputedAdvantages {
  const { completionWidth: width, completionMask, tokens } = packed;
  const { scores, groups, greedyScores, rewardScores } = signals;
  const { advantages, returns, metrics } = scope(() => {
    const onDevice = (values: Float32Array): tf.Tensor2D => tf.tensor2d(values, [tokens.rows, width]);
    const input: AdvantageInput = {
      scores,
      groups,
      tokenRewards: onDevice(signals.tokenRewards),
      mask: onDevice(completionMask),
      ...(greedyScores && { greedyScores }),
      ...(rewardScores && { rewardScores }),
      ...Object.fromEntries(tokenArrays.flatMap((key) => (signals[key] ? [[key, onDevice(signals[key])]] : []))),
    };
    const output = advantage.compute(input);
    const read = (key: "advantages" | "returns"): Float32Array => readChecked(output[key], key, input.mask.shape);
    return { advantages: read("advantages"), returns: read("returns"), metrics: output.metrics ?? {} };
  });
  const rows = Float32Array.from({ length: tokens.rows }, (_, row) => {
    const own = [...advantages.subarray(row * width, (row + 1) * width)].filter((_, t) => completionMask[row * width + t]);
    return own.length > 0 ? meanOf(own) : 0;
  });
  return { advantages, returns, rows, metrics };
}

function readChecked(values: tf.Tensor, what: string, shape: readonly number[]): Float32Array {
  if (values.shape.join() === shape.join()) return values.dataSync<"float32">().slice();
  throw new ShapeError({ where: "advantage", what, got: `[${values.shape.join(", ")}]`, expected: `[B, C] = [${shape.join(", ")}]` });
}
