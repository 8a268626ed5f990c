/** Runs one configured reward over a batch. */
import type { ConfiguredReward, RewardContext, RewardSample } from "@verlet/core";
import { RewardError, VerletError, registry } from "@verlet/core";
import { placeOf } from "../places.js";
import { shorten } from "../shorten.js";
import { checkValue, guardedCall } from "./guarded-call.js";
import type { CallContext, CallFailure, CallResult } from "./guarded-call.js";

export interface RewardValues {
  /** One per sample, before the weight. */
  values: (number | null)[];
  /** The samples that failed, by index, where `onError` lets the run go on. */
  failures: Map<number, RewardError>;
  /** What the reward logged beside its scores, by name. */
  logged: Map<string, number[]>;
}

/** Values of `count` samples of which none is scored yet. */
export function noValues(count: number): RewardValues {
  return { values: new Array<number | null>(count).fill(null), failures: new Map(), logged: new Map() };
}

/**
 * One call of `score` per sample, at most `concurrency` at a time.
 * @throws RewardError for the first sample that fails, where the reward says `onError: raise`.
 */
export async function scoreEach(
  reward: ConfiguredReward,
  samples: readonly RewardSample[],
  context: CallContext,
  concurrency: number,
): Promise<RewardValues> {
  const score = reward.reward.score!.bind(reward.reward);
  const result = noValues(samples.length);
  const guard = { ...context, log: logInto(result) };
  await sideBySide(samples.length, concurrency, async (i) => {
    const call = await guardedCall(reward, guard, (inner) => score(samples[i]!, inner));
    place(reward, samples, i, "failure" in call ? call : checkValue(call.value), result);
  });
  return result;
}

/**
 * One call of `scoreBatch` with all samples, or one per `maxBatch` of them, at most `concurrency` at a time (all without it).
 * @throws RewardError as `scoreEach`, and for a wrong number of results.
 */
export async function scoreTogether(
  reward: ConfiguredReward,
  samples: readonly RewardSample[],
  context: CallContext,
  concurrency = Infinity,
): Promise<RewardValues> {
  const result = noValues(samples.length);
  const guard = { ...context, log: logInto(result) };
  const size = reward.reward.maxBatch ?? samples.length;
  await sideBySide(Math.ceil(samples.length / size) || 0, concurrency, async (part) => {
    const start = part * size;
    const some = samples.slice(start, start + size);
    const call = await guardedCall(reward, guard, (inner) => reward.reward.scoreBatch!(some, inner));
    const failure = "failure" in call ? call.failure : checkCount(call.value, some.length);
    if (failure) return some.forEach((_, i) => fail(reward, rewardError(reward, failure, `a batch of ${some.length} samples`), start + i, result));
    const { value } = call as { value: readonly unknown[] };
    some.forEach((_, i) => place(reward, samples, start + i, checkValue(value[i]), result));
  });
  return result;
}

/** The reward with every sample a call of its own: a timeout for each, and one that fails takes no other with it. */
export function oneByOne(reward: ConfiguredReward): ConfiguredReward {
  if (reward.reward.score) return reward;
  const score = async (sample: RewardSample, context: RewardContext): Promise<number | null> => {
    const values = await reward.reward.scoreBatch!([sample], context);
    const failure = checkCount(values, 1);
    if (failure) throw new RewardError({ where: `reward ${reward.name}`, ...failure });
    return values[0]!;
  };
  return { ...reward, reward: { score } };
}

/** Does `work` for 0 … count − 1, at most `concurrency` at a time; after one has failed no other is begun. */
async function sideBySide(count: number, concurrency: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      try {
        await work(next++);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

function logInto({ logged }: RewardValues): (name: string, value: number) => void {
  return (name, value) => {
    if (!Number.isFinite(value)) throw new TypeError(`log("${name}") takes a finite number and got ${String(value)}`);
    const earlier = logged.get(name);
    if (earlier) earlier.push(value);
    else logged.set(name, [value]);
  };
}

function checkCount(value: unknown, count: number): CallFailure | undefined {
  if (Array.isArray(value) && value.length === count) return undefined;
  const got = Array.isArray(value) ? `${value.length} results` : value === undefined ? "undefined" : `a ${typeof value}`;
  return { what: "scoreBatch returned the wrong number of results", got, expected: `a list of ${count}, one per sample` };
}

function place(reward: ConfiguredReward, samples: readonly RewardSample[], i: number, call: CallResult<number | null>, result: RewardValues): void {
  if ("value" in call) result.values[i] = call.value;
  else fail(reward, rewardError(reward, call.failure, describeSample(samples[i]!, i)), i, result);
}

function fail({ onError }: ConfiguredReward, error: RewardError, i: number, { values, failures }: RewardValues): void {
  if (onError === "raise") throw error;
  failures.set(i, error);
  values[i] = onError === "skip" ? null : onError;
}

/** Names the reward, its file and what it was called with. */
function rewardError(reward: ConfiguredReward, failure: CallFailure, at: string): RewardError {
  const { cause, ...said } = failure;
  // An error of verlet's own, such as a row without an answer, brings its own words.
  const words = cause instanceof VerletError ? { ...cause.parts } : said;
  const source = registry.find("reward", reward.name)?.source;
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
