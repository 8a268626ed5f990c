/** Runs one configured reward over a batch. */
import type { ConfiguredReward, RewardSample } from "@verlet/core";
import { RewardError, VerletError, registry } from "@verlet/core";
import { placeOf } from "../places.js";
import { shorten } from "../shorten.js";
import { checkValue, guardedCall } from "./guarded-call.js";
import type { CallContext, CallFailure } from "./guarded-call.js";

export interface RewardValues {
  /** One per sample, before the weight. */
  values: (number | null)[];
  /** Samples that failed and were skipped (`onError: skip`). */
  errors: number;
}

/**
 * One call of `score` per sample, at most `concurrency` at a time.
 * @throws RewardError for the first sample that fails, unless the reward says `onError: skip`.
 */
export async function scoreEach(
  reward: ConfiguredReward,
  samples: readonly RewardSample[],
  context: CallContext,
  concurrency: number,
): Promise<RewardValues> {
  const score = reward.reward.score!.bind(reward.reward);
  const result: RewardValues = { values: new Array<number | null>(samples.length).fill(null), errors: 0 };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < samples.length) {
      const i = next++;
      try {
        const call = await guardedCall(reward, context, (inner) => score(samples[i]!, inner));
        place(reward, samples, i, "failure" in call ? call : checkValue(call.value), result);
      } catch (error) {
        next = samples.length; // no further calls by the other workers
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, samples.length) }, worker));
  return result;
}

/**
 * One call of `scoreBatch` with all samples.
 * @throws RewardError as `scoreEach`, and for a wrong number of results.
 */
export async function scoreTogether(reward: ConfiguredReward, samples: readonly RewardSample[], context: CallContext): Promise<RewardValues> {
  const result: RewardValues = { values: new Array<number | null>(samples.length).fill(null), errors: 0 };
  const call = await guardedCall(reward, context, (inner) => reward.reward.scoreBatch!(samples, inner));
  const failure = "failure" in call ? call.failure : checkCount(call.value, samples.length);
  if (failure) {
    if (reward.onError === "raise") throw rewardError(reward, failure, samples);
    return { ...result, errors: samples.length };
  }
  const { value } = call as { value: readonly unknown[] };
  samples.forEach((_, i) => place(reward, samples, i, checkValue(value[i]), result));
  return result;
}

function checkCount(value: unknown, count: number): CallFailure | undefined {
  if (Array.isArray(value) && value.length === count) return undefined;
  const got = Array.isArray(value) ? `${value.length} results` : value === undefined ? "undefined" : `a ${typeof value}`;
  return { what: "scoreBatch returned the wrong number of results", got, expected: `a list of ${count}, one per sample` };
}

function place(
  reward: ConfiguredReward,
  samples: readonly RewardSample[],
  i: number,
  call: { value: number | null } | { failure: CallFailure },
  result: RewardValues,
): void {
  if ("value" in call) result.values[i] = call.value;
  else if (reward.onError === "skip") result.errors++;
  else throw rewardError(reward, call.failure, samples, i);
}

/** Names the reward, its file and the sample. */
function rewardError(reward: ConfiguredReward, failure: CallFailure, samples: readonly RewardSample[], i?: number): RewardError {
  const { cause, ...said } = failure;
  // An error of verlet's own, such as a row without an answer, brings its own words.
  const words = cause instanceof VerletError ? { ...cause.parts } : said;
  const source = registry.find("reward", reward.name)?.source;
  const at = i === undefined ? `a batch of ${samples.length} samples` : describeSample(samples[i]!, i);
  return new RewardError(
    {
      ...words,
      where: `reward ${reward.name}${source ? ` (${source})` : ""}`,
      what: `${words.what}, on ${at}`,
      fix: words.fix ?? "Correct the reward, or set onError: skip to leave such samples out",
    },
    { cause },
  );
}

function describeSample(sample: RewardSample, i: number): string {
  const row = placeOf(sample.row);
  const text = (value: string): string => JSON.stringify(shorten(value, 160));
  return `sample ${i + 1}${row ? ` (${row})` : ""} with prompt ${text(sample.prompt)} and completion ${text(sample.completion)}`;
}
