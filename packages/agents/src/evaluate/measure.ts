/** Numbers of an evaluation, from scored answers. */
import { DataError, type ScoredRollout } from "@verlet/core";
import { dataSourceOf } from "@verlet/data";
import { extractAnswer, markedAnswer } from "../rewards/math-reward.js";
import type { RewardPart } from "../rewards/reward-function.js";
import { countSteps } from "../rewards/shaped-rewards.js";
import type { MetricName } from "./evaluate-options.js";

const ACCURACY = "agents/accuracy";

/** Each is there if it was asked for; shares are from 0 to 1. */
export interface Measured {
  accuracy?: number;
  averageReward?: number;
  /** Share of the questions of which one of k answers is right. */
  accuracyAtK?: number;
  k?: number;
  /** Tokens. */
  averageLength?: number;
  averageSteps?: number;
  /** Share of the answers that mark their result, such as by `Final Answer:`. */
  formatCorrectness?: number;
  /** By the column data_source. */
  perSource?: Readonly<Record<string, { accuracy: number; num_samples: number }>>;
  /** Questions that have no answer to compare with; they count in no accuracy. */
  unscored: number;
}

export interface AnswerDetails {
  question: string;
  /** The whole answer. */
  completion: string;
  /** The result found in it. */
  prediction: string | null;
  ground_truth: unknown;
  /** null where there is nothing to compare with. */
  correct: boolean | null;
  reward: number | null;
  /** Steps of the model's answer, and of the data set's where it has one. */
  steps: number;
  ground_truth_steps: number | null;
  data_source: string | null;
  finished: boolean;
}

/** What is to be measured, and the rewards whose weighted sum counts as an answer's reward. */
export interface MeasureOptions {
  metrics: readonly MetricName[];
  rewards: readonly RewardPart[];
  /** Answers to each question in `many`. */
  k: number;
}

/** @throws DataError where no question has an answer and one is needed. */
export function measure({ metrics, rewards: counted, k }: MeasureOptions, answers: readonly ScoredRollout[], many: readonly ScoredRollout[] | undefined): Measured & { details: AnswerDetails[] } {
  const details = answers.map((answer) => describe(answer, counted));
  const known = details.filter(({ correct }) => correct !== null);
  if (known.length === 0 && metrics.some((name) => name === "accuracy" || name === "accuracy_at_k" || name === "per_source")) {
    throw new DataError({ where: "evaluate", what: "no question has an answer to compare with", got: `${details.length} questions`, expected: "a column ground_truth or answer", fix: "Name it: columns: { answer: … }" });
  }
  const rewards = details.flatMap(({ reward }) => reward ?? []);
  const numbers: Readonly<Record<MetricName, () => Partial<Measured>>> = {
    accuracy: () => ({ accuracy: share(known) }),
    average_reward: () => (rewards.length > 0 ? { averageReward: mean(rewards) } : {}),
    accuracy_at_k: () => ({ accuracyAtK: anyRight(many ?? []), k }),
    average_length: () => ({ averageLength: mean(answers.map(({ completionIds }) => completionIds.length)) }),
    average_steps: () => ({ averageSteps: mean(details.map(({ steps }) => steps)) }),
    format_correctness: () => ({ formatCorrectness: mean(details.map(({ completion }) => Number(markedAnswer(completion) !== undefined))) }),
    per_source: () => ({ perSource: bySource(known) }),
  };
  return { ...Object.assign({}, ...metrics.map((name) => numbers[name]())) as Partial<Measured>, unscored: details.length - known.length, details };
}

function describe({ prompt, completion, rewards, finished }: ScoredRollout, counted: readonly RewardPart[]): AnswerDetails {
  const { row } = prompt;
  const right = rewards[ACCURACY] ?? null;
  const solution = row.full_answer ?? row.completion;
  return {
    question: typeof row.question === "string" ? row.question : prompt.text,
    completion,
    prediction: extractAnswer(completion) ?? null,
    ground_truth: row.ground_truth ?? row.answer ?? null,
    correct: right === null ? null : right === 1,
    reward: weightedSum(rewards, counted),
    steps: countSteps(completion),
    ground_truth_steps: typeof solution === "string" ? countSteps(solution) : null,
    data_source: dataSourceOf(row) ?? null,
    finished,
  };
}

/** The score that training would give; null where no reward could be computed. */
function weightedSum(rewards: ScoredRollout["rewards"], counted: readonly RewardPart[]): number | null {
  const known = counted.flatMap(({ name, weight = 1 }) => (rewards[name] == null ? [] : [weight * rewards[name]]));
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
}

function anyRight(answers: readonly ScoredRollout[]): number {
  const groups = groupBy(answers.filter(({ rewards }) => rewards[ACCURACY] != null), ({ group }) => group);
  return mean([...groups.values()].map((group) => Number(group.some(({ rewards }) => rewards[ACCURACY] === 1))));
}

function bySource(known: readonly AnswerDetails[]): NonNullable<Measured["perSource"]> {
  const groups = groupBy(known, ({ data_source }) => data_source ?? "");
  return Object.fromEntries([...groups].map(([source, some]) => [source, { accuracy: share(some), num_samples: some.length }]));
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

const share = (details: readonly AnswerDetails[]): number => mean(details.map(({ correct }) => Number(correct)));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
