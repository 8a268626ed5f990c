/** Reward managers written as VERL's are: `constructor(tokenizer, numExamine, config, computeScore)` and `call(data)`. */
import { ANSWER_COLUMN, CONFIG, REWARDS, RegistryError, RewardError, TOKENIZER, VerletError, z } from "@verlet/core";
import type { ChatTokenizer, ConfiguredReward, DependencyContainer, RewardManager, Rollout, Row, RunSections, ScoredBatch } from "@verlet/core";
import { answerOf } from "../columns.js";
import { addMean, combineRewards, weigh } from "./combine.js";
import { UNKNOWN_SOURCE_NAME } from "./compute-score.js";
import type { CallContext } from "./guarded-call.js";
import { rewardSamples } from "./reward-samples.js";
import { noValues, oneByOne, scoreEach } from "./run-reward.js";
import type { RewardValues } from "./run-reward.js";
import { dataSourceOf, extraInfoOf, groundTruthOf } from "./verl-columns.js";
import { readVerlScores } from "./verl-scores.js";
import type { VerlScores } from "./verl-scores.js";

/** One row as VERL's managers see it. Ids are without padding, so no attention mask is needed. */
export interface VerlDataItem {
  readonly batch: { readonly prompts: readonly number[]; readonly responses: readonly number[] };
  /** The data set row; its `extra_info` is this item's own `extraInfo`. */
  readonly nonTensorBatch: Row;
  readonly prompt: string;
  /** The completion as text, special tokens skipped. */
  readonly response: string;
  readonly finished: boolean;
  readonly dataSource: string;
  readonly groundTruth: unknown;
  readonly extraInfo: Record<string, unknown>;
}

/** Scores a text with the rewards of the YAML: their weighted sum, null where none could be computed. */
export type RunComputeScore = (
  dataSource: string,
  solution: string,
  groundTruth: unknown,
  extraInfo?: Record<string, unknown>,
) => Promise<number | null>;

export interface VerlManager {
  call?(data: readonly VerlDataItem[]): VerlScores | Promise<VerlScores>;
  score?(data: readonly VerlDataItem[]): VerlScores | Promise<VerlScores>;
}

/** `config` is the run's resolved configuration, with the manager's own options under `rewardManager.options`. */
export type VerlManagerClass = new (tokenizer: ChatTokenizer, numExamine: number, config: RunSections, computeScore: RunComputeScore) => VerlManager;

/** The options of a manager that has no more than VERL's. */
export const verlManagerOptions = z.strictObject({
  numExamine: z.number().int().min(0).default(0).describe("completions that the manager shows, by data source"),
});

/**
 * A VERL-style class as a reward manager:
 * `registerRewardManager("mine", { options: verlManagerOptions })(verlRewardManager(Mine))`.
 *
 * `call(data)`, or `score(data)` in a class without it, gives one score a row: a number or null each, or VERL's token
 * rewards [B, C], of which each row's sum is its score. `computeScore` runs the rewards of the YAML, with their weights,
 * timeouts and `onError`; called with an item's own `extraInfo` it counts for that row, and the rewards' own metrics are
 * there. It is always asynchronous, unlike verl's.
 * @throws RegistryError when the class has neither method; RewardError when it throws or returns anything else.
 */
export function verlRewardManager(Class: VerlManagerClass): (options: { numExamine?: unknown }, container: DependencyContainer) => RewardManager {
  return ({ numExamine }, container) => {
    const tokenizer = container.resolve<ChatTokenizer>(TOKENIZER);
    const rewards = container.resolve<ConfiguredReward[]>(REWARDS);
    const answerColumn = container.resolve<string>(ANSWER_COLUMN);
    let batch: Batch | undefined;
    const computeScore: RunComputeScore = (...args) => {
      batch ??= new Batch([], rewards, answerColumn, tokenizer, { step: 0, signal: new AbortController().signal });
      return batch.computeScore(...args);
    };
    const manager = new Class(tokenizer, typeof numExamine === "number" ? numExamine : 0, container.resolve<RunSections>(CONFIG), computeScore);
    const call = (manager.call ?? manager.score)?.bind(manager);
    const where = `reward manager ${Class.name}`;
    if (!call) throw new RegistryError({ where, what: "it is no VERL-style reward manager", got: "a class without call(data) or score(data)", fix: "Add one of them" });
    return {
      async score(rollouts, context) {
        const own = (batch = new Batch(rollouts, rewards, answerColumn, tokenizer, context));
        const { scores, extras } = await readVerlScores(where, await calling(where, call, own.items), rollouts.length);
        return own.finish(scores, extras);
      },
    };
  };
}

async function calling(where: string, call: (data: readonly VerlDataItem[]) => unknown, items: readonly VerlDataItem[]): Promise<unknown> {
  try {
    return await call(items);
  } catch (error) {
    if (error instanceof VerletError) throw error;
    throw new RewardError({ where, what: `it threw: ${(error as Error).message}`, fix: "Correct the class" }, { cause: error });
  }
}

/** The rows under way, and what the rewards have given for them. */
class Batch {
  readonly items: readonly VerlDataItem[];
  readonly #rollouts: readonly Rollout[];
  readonly #rewards: readonly ConfiguredReward[];
  readonly #answerColumn: string;
  readonly #tokenizer: ChatTokenizer;
  readonly #context: CallContext;
  readonly #results: readonly RewardValues[];
  readonly #rowOf: ReadonlyMap<object, number>;

  constructor(
    rollouts: readonly Rollout[],
    rewards: readonly ConfiguredReward[],
    answerColumn: string,
    tokenizer: ChatTokenizer,
    context: CallContext,
  ) {
    this.items = rollouts.map((rollout) => dataItem(rollout, answerColumn));
    this.#rollouts = rollouts;
    this.#rewards = rewards.map(oneByOne);
    this.#answerColumn = answerColumn;
    this.#tokenizer = tokenizer;
    this.#context = context;
    this.#results = rewards.map(() => noValues(rollouts.length));
    this.#rowOf = new Map(this.items.map(({ extraInfo }, row) => [extraInfo, row]));
  }

  readonly computeScore: RunComputeScore = async (dataSource, solution, groundTruth, extraInfo = {}) => {
    const row = this.#rowOf.get(extraInfo);
    const rollout = this.#rolloutOf(row, dataSource, solution, groundTruth, extraInfo);
    const samples = rewardSamples([rollout], this.#answerColumn);
    const results = await Promise.all(this.#rewards.map((reward) => scoreEach(reward, samples, this.#context, 1)));
    if (row !== undefined) results.forEach((result, k) => addTo(this.#results[k]!, row, result));
    return weigh(this.#rewards, results.map(({ values }) => values[0]!));
  };

  finish(scores: readonly (number | null)[], extras: Readonly<Record<string, readonly number[]>>): ScoredBatch {
    const scored = combineRewards(this.#rollouts, this.#rewards, this.#results, (row, i) => ({ ...row, score: scores[i]! }));
    for (const [key, values] of Object.entries(extras)) addMean(scored.metrics, `reward/extra/${key}`, values);
    return scored;
  }

  /** The row's rollout as it is where the class asks about just that; otherwise one made of what it asks about. */
  #rolloutOf(row: number | undefined, dataSource: string, solution: string, groundTruth: unknown, extraInfo: Record<string, unknown>): Rollout {
    const item = row === undefined ? undefined : this.items[row]!;
    const known = row === undefined ? undefined : this.#rollouts[row]!;
    if (known && item && item.response === solution && item.groundTruth === groundTruth && item.dataSource === dataSource) return known;
    const columns = { ...known?.prompt.row, data_source: dataSource, reward_model: { ground_truth: groundTruth }, extra_info: extraInfo, [this.#answerColumn]: groundTruth };
    const completionIds = this.#tokenizer.encode(solution, { addSpecialTokens: false });
    return {
      prompt: { ids: [], text: "", ...known?.prompt, row: columns },
      group: known?.group ?? 0,
      completionIds,
      completion: solution,
      logProbs: new Float32Array(completionIds.length),
      finished: known?.finished ?? true,
    };
  }
}

function dataItem({ prompt, completion, completionIds, finished }: Rollout, answerColumn: string): VerlDataItem {
  const { ids, text, row } = prompt;
  const extraInfo = extraInfoOf(row);
  return {
    batch: { prompts: ids, responses: completionIds },
    nonTensorBatch: { ...row, extra_info: extraInfo },
    prompt: text,
    response: completion,
    finished,
    dataSource: dataSourceOf(row) ?? UNKNOWN_SOURCE_NAME,
    groundTruth: groundTruthOf(row) ?? answerOf(row, answerColumn),
    extraInfo,
  };
}

/** Takes over what one reward gave for one row; asked twice, the later answer counts. */
function addTo(all: RewardValues, row: number, { values, failures, logged }: RewardValues): void {
  all.values[row] = values[0]!;
  const failure = failures.get(0);
  if (failure) all.failures.set(row, failure);
  else all.failures.delete(row);
  for (const [key, numbers] of logged) all.logged.set(key, [...(all.logged.get(key) ?? []), ...numbers]);
}
