/** Reward functions in the documents' form: whole lists of completions, with every column of the data set beside them. */
import { callerFile, registerReward, registry, RewardError, showValue, type Reward, type RewardFn, type RewardSample } from "@verlet/core";
import { groundTruthOf } from "@verlet/data";

/** The data set's columns by name, one value a completion; `ground_truth` is there whatever its column is called. */
export type RewardColumns = Readonly<Record<string, readonly unknown[] | undefined>>;
/** One score a completion; null = cannot be scored. */
export type Reads = readonly (number | null)[] | Promise<readonly (number | null)[]>;
/** The documents' form, `reward(completions, **columns)`. */
export type BatchReward = (completions: readonly string[], columns: RewardColumns) => Reads;

/** A registered reward of verlet's, with its weight. */
export interface RewardPart {
  readonly name: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly weight?: number;
}

/** An object that scores, such as a MathRewardFunction. */
export interface RewardFunction {
  call(completions: readonly string[], columns: RewardColumns): Reads;
  /** The registered rewards it consists of, where a YAML can say it. */
  readonly parts?: readonly RewardPart[] | undefined;
}

/** What may be handed over as a reward: told apart by how it is handed over, never by its parameters. */
export type RewardInput =
  | BatchReward
  | RewardFunction
  /** verlet's own form, `(sample, context)`. */
  | { readonly reward: RewardFn }
  /** The name of a registered reward. */
  | string;

/** The columns of samples as the documents' functions take them. */
export function columnsOf(samples: readonly RewardSample[]): RewardColumns {
  const names = new Set(samples.flatMap(({ row }) => Object.keys(row)));
  const columns: Record<string, readonly unknown[]> = Object.fromEntries([...names].map((name) => [name, samples.map(({ row }) => row[name])]));
  const truths = samples.map(({ row, answer }) => row.ground_truth ?? groundTruthOf(row) ?? answer);
  return { prompts: samples.map(({ prompt }) => prompt), ...columns, ...(truths.some((truth) => truth !== undefined) && { ground_truth: truths }) };
}

/** The same as a reward of verlet's. */
export function asReward(scorer: Pick<RewardFunction, "call">): Reward {
  return {
    scoreBatch: async (samples) => {
      const scores: unknown = await scorer.call(samples.map(({ completion }) => completion), columnsOf(samples));
      if (Array.isArray(scores)) return scores as (number | null)[];
      throw new RewardError({ where: "reward", what: "it returned no list", got: showValue(scores), expected: "one score a completion" });
    },
  };
}

export function callReward(input: Exclude<RewardInput, string | { reward: RewardFn }>): BatchReward {
  return typeof input === "function" ? input : (completions, columns) => input.call(completions, columns);
}

const registered = new WeakMap<object, string>();

/**
 * The registered rewards that an input stands for; one that is not registered yet is registered as `script/<its name>`.
 * @throws RewardError for anything that is no reward.
 */
export function partsOf(input: RewardInput, name?: string): readonly RewardPart[] {
  if (typeof input === "string") return [{ name: input }];
  if ((typeof input !== "object" && typeof input !== "function") || input === null) throw noReward(input);
  if (isFunctionObject(input) && input.parts) return input.parts;
  const known = registered.get(input);
  if (known !== undefined) return [{ name: known }];
  const made = rewardOf(input);
  const own = scriptName(name ?? nameOf(input));
  registerReward(own, { doc: "A reward given by a script.", source: callerFile(partsOf) })(made as never);
  registered.set(input, own);
  return [{ name: own }];
}

/** As the registry takes it: a function for single samples, a class for whole batches. */
function rewardOf(input: Exclude<RewardInput, string>): RewardFn | (new () => Reward) {
  if (typeof input === "object" && "reward" in input) {
    if (typeof input.reward === "function") return (sample, context) => input.reward(sample, context);
    throw noReward(input);
  }
  if (typeof input !== "function" && !isFunctionObject(input)) throw noReward(input);
  const reward = asReward({ call: callReward(input) });
  return class ScriptReward implements Reward {
    readonly scoreBatch = reward.scoreBatch!;
  };
}

function isFunctionObject(input: unknown): input is RewardFunction {
  return typeof input === "object" && typeof (input as RewardFunction | null)?.call === "function";
}

function nameOf(input: object): string {
  return typeof input === "function" ? input.name : input.constructor.name;
}

function scriptName(name: string): string {
  const own = `script/${/^[\w.-]+$/.test(name) ? name : "unnamed"}`;
  for (let count = 1; ; count++) {
    const free = count === 1 ? own : `${own}-${count}`;
    if (!registry.find("reward", free)) return free;
  }
}

function noReward(input: unknown): RewardError {
  return new RewardError({ where: "reward", what: "this is no reward", got: showValue(input), expected: "a function (completions, columns) => scores, an object with call, { reward }, or the name of a registered reward" });
}
