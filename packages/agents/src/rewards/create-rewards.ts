/** The documents' functions that make rewards. */
import { ConfigError, RewardError } from "@verlet/core";
import { readOptions } from "../options/read-options.js";
import { MathRewardFunction } from "./math-reward.js";
import { callReward, type BatchReward, type RewardFunction, type RewardPart } from "./reward-function.js";
import { addSteps, lengthOptions, partOf, penaliseLength, RIGHT, stepOptions, type LengthOptions, type StepOptions } from "./shaped-rewards.js";

type Scorer = BatchReward | RewardFunction;

export function createAccuracyReward(options: { tolerance?: number } = {}): MathRewardFunction {
  return new MathRewardFunction(options);
}

/** @param base what the penalty is taken off; the accuracy by default. */
export function createLengthPenaltyReward(base?: Scorer, options: Partial<LengthOptions> = {}): RewardFunction {
  const read = readOptions("createLengthPenaltyReward", lengthOptions, options, { targetLength: "maxLength" });
  refuseTolerance("createLengthPenaltyReward", base, options);
  return shaped(base, read.tolerance, (score, completion) => penaliseLength(score, completion, read), "length_penalty", read);
}

/** @param base what the bonus is added to; the accuracy by default. */
export function createStepReward(base?: Scorer, options: Partial<StepOptions> = {}): RewardFunction {
  const read = readOptions("createStepReward", stepOptions, options);
  refuseTolerance("createStepReward", base, options);
  return shaped(base, read.tolerance, (score, completion) => addSteps(score, completion, read), "step", read);
}

/** A base compares answers by itself. */
function refuseTolerance(where: string, base: Scorer | undefined, { tolerance }: { tolerance?: number | undefined }): void {
  if (base !== undefined && tolerance !== undefined) throw new ConfigError({ where, what: "tolerance", got: `${tolerance} beside a base reward`, expected: "it in the base" });
}

function shaped(base: Scorer | undefined, tolerance: number, shape: (score: number, completion: string) => number, type: "length_penalty" | "step", options: Readonly<Record<string, unknown>>): RewardFunction {
  const reward = base ?? createAccuracyReward({ tolerance });
  const call = callReward(reward);
  return {
    call: async (completions, columns) => (await call(completions, columns)).map((score, i) => (score === null ? null : shape(score, completions[i]!))),
    parts: isPlainAccuracy(reward) ? [partOf(type, { ...options, tolerance: reward.tolerance })] : undefined,
  };
}

function isPlainAccuracy(reward: Scorer): reward is MathRewardFunction {
  return reward instanceof MathRewardFunction && reward.parts !== undefined;
}

export interface RewardComponent {
  readonly reward: Scorer;
  /** 1 by default. */
  readonly weight?: number;
}

/** The weighted sum; a component that cannot score counts for nothing, and where none can the sum is null too. */
export function createCombinedReward(components: readonly RewardComponent[]): RewardFunction {
  if (components.length === 0) throw new ConfigError({ where: "createCombinedReward", what: "there are no components", got: "an empty list", expected: "at least one { reward, weight }" });
  const calls = components.map(({ reward, weight = 1 }) => ({ call: callReward(reward), weight }));
  return {
    call: async (completions, columns) => {
      const scores = await Promise.all(calls.map(({ call }) => call(completions, columns)));
      return completions.map((_, i) => {
        const known = scores.flatMap((list, k) => (list[i] === null || list[i] === undefined ? [] : [calls[k]!.weight * list[i]]));
        return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
      });
    },
    parts: combinedParts(components),
  };
}

/** Undefined unless each is registered and none is there twice: a run has each reward once. */
function combinedParts(components: readonly RewardComponent[]): readonly RewardPart[] | undefined {
  const parts: RewardPart[] = [];
  for (const { reward, weight = 1 } of components) {
    if (typeof reward === "function" || !reward.parts) return undefined;
    parts.push(...reward.parts.map((part) => ({ ...part, weight: weight * (part.weight ?? 1) })));
  }
  return new Set(parts.map(({ name }) => name)).size === parts.length ? parts : undefined;
}

export interface RewardEvaluation {
  meanReward: number;
  maxReward: number;
  minReward: number;
  /** Share of the scored completions above 0.5. */
  accuracy: number;
  numSamples: number;
  /** Completions that could not be scored; they count nowhere else. */
  unscored: number;
}

/** Scores completions that are there. @throws RewardError for lists of different lengths, and where none can be scored. */
export async function evaluateRewards(completions: readonly string[], groundTruths: readonly unknown[], reward: Scorer = createAccuracyReward()): Promise<RewardEvaluation> {
  if (completions.length !== groundTruths.length) {
    throw new RewardError({ where: "evaluateRewards", what: "the lists differ in length", got: `${groundTruths.length} answers for ${completions.length} completions`, expected: "one answer a completion" });
  }
  const scores = await callReward(reward)(completions, { ground_truth: groundTruths });
  if (scores.length !== completions.length) throw new RewardError({ where: "evaluateRewards", what: "the reward returned another number of scores", got: String(scores.length), expected: String(completions.length) });
  const known = scores.filter((score): score is number => score !== null);
  if (known.length === 0) throw new RewardError({ where: "evaluateRewards", what: "no completion could be scored", got: `${completions.length} completions`, expected: "at least one with an answer" });
  return {
    meanReward: known.reduce((sum, score) => sum + score, 0) / known.length,
    maxReward: Math.max(...known),
    minReward: Math.min(...known),
    accuracy: known.filter((score) => score > RIGHT).length / known.length,
    numSamples: completions.length,
    unscored: completions.length - known.length,
  };
}
