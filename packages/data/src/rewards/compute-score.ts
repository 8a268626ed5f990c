import type { RewardFn } from "@verlet/core";
import { RewardError, showValue } from "@verlet/core";
import { requireAnswer } from "./answer.js";
import { dataSourceOf, extraInfoOf, groundTruthOf } from "./verl-columns.js";

/** A score, or a record with it under `score` and more to measure beside it; null = cannot be scored. */
export type ComputeScoreResult = number | boolean | null | { readonly score: number | boolean | null; readonly [extra: string]: unknown };

/**
 * A reward function as VERL calls them, `compute_score(data_source, solution_str, ground_truth, extra_info)`.
 * `Truth` is what the data set holds as the right answer.
 */
export type ComputeScore<Truth = unknown> = (
  dataSource: string,
  solution: string,
  groundTruth: Truth,
  extraInfo: Record<string, unknown>,
) => ComputeScoreResult | Promise<ComputeScoreResult>;

/** What `computeScore` gets of a row without a data source; verl calls it the same. */
export const UNKNOWN_SOURCE_NAME = "unknown";

/**
 * A `computeScore` function as a reward: `registerReward("mine")(fromComputeScore(computeScore))`.
 *
 * It gets the row's `data_source`, the completion, the row's `reward_model.ground_truth` or, without one, its answer
 * column, and a copy of `extra_info` (empty where there is none). Of a record, `score` is the reward; numbers and booleans
 * beside it are logged as `rewards/<name>/extra/<key>`, the rest (such as the `pred` of verl's scorers) is not.
 * Unlike verl's, an exception stops the run or leaves the sample unscored; it never counts as 0.
 */
export function fromComputeScore<Truth = unknown>(computeScore: ComputeScore<Truth>): RewardFn {
  return async (sample, { log }) => {
    const groundTruth = (groundTruthOf(sample.row) ?? requireAnswer(sample)) as Truth;
    const source = dataSourceOf(sample.row) ?? UNKNOWN_SOURCE_NAME;
    const result = await computeScore(source, sample.completion, groundTruth, extraInfoOf(sample.row));
    if (typeof result !== "object" || result === null) return asNumber(result);
    const { score, ...extras } = result;
    if (score === undefined) {
      throw new RewardError({ where: "reward", what: "computeScore returned a record without `score`", got: showValue(result), expected: "a number, or { score, … }" });
    }
    for (const [key, value] of Object.entries(extras)) {
      const number = typeof value === "boolean" ? Number(value) : value;
      if (typeof number === "number" && Number.isFinite(number)) log?.(key, number);
    }
    return asNumber(score);
  };
}

const asNumber = (score: number | boolean | null): number | null => (typeof score === "boolean" ? Number(score) : score);
