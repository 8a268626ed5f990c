/** One action of the tool: parameters in, a reply's fields out. */
import { z } from "@verlet/core";
import { formatTypes, type FormatType } from "../data/math-format.js";
import { seenPrompts, tokenizerOf } from "../data/model-prompts.js";
import { openDataset, type DatasetInput } from "../data/open-dataset.js";
import { prepareRows } from "../data/prepare-rows.js";
import { evaluateAliases, evaluateSchema, metricNames, type MetricName } from "../evaluate/evaluate-options.js";
import { runEvaluation } from "../evaluate/run-evaluation.js";
import { algorithmNames, findAlgorithm, HIGHEST_RL_RATE, samples } from "../options/algorithms.js";
import { camel, readOptions, snake, type Aliases } from "../options/read-options.js";
import { trainAliases, trainSchema } from "../options/train-options.js";
import { chooseRewards, ofType } from "../rewards/choose-rewards.js";
import type { RewardInput } from "../rewards/reward-function.js";
import { rewardTypes } from "../rewards/shaped-rewards.js";
import type { Texts } from "../texts.js";
import { runTraining, type RunContext } from "../train/run-training.js";
import { evaluateReply, trainReply, type Reply } from "./reply.js";
import { createRewardAliases, createRewardSchema, loadSchema, TOOL_NAME, type Action } from "./tool-schema.js";

/** What the tool knows beside the parameters. */
export interface ActionContext extends RunContext {
  texts: Texts;
  datasets: ReadonlyMap<string, DatasetInput>;
  rewards: ReadonlyMap<string, RewardInput>;
}

/** A refusal in the tool's own words. */
export class Refusal extends Error {}

type Params = Readonly<Record<string, unknown>>;

export const runs: Readonly<Record<Action, (params: Params, context: ActionContext) => Promise<Reply>>> = { train, load_dataset: loadDataset, create_reward: createReward, evaluate };

/** The documents' refusal of the first required parameter that is missing; what is wrong beside it is said by `readOptions`. */
function demand(schema: z.ZodObject, params: Params, aliases: Aliases, texts: Texts): void {
  const given = new Set(Object.entries(params).flatMap(([key, value]) => (value == null ? [] : [aliases[camel(key)] ?? camel(key)])));
  const missing = Object.entries(schema.shape as Record<string, z.ZodType>).find(([name, option]) => !given.has(name) && !option.safeParse(undefined).success);
  if (missing) throw new Refusal(texts.missing(snake(missing[0])));
}

/** The data set of that name: a registered one before a path. */
function datasetOf({ dataset = "gsm8k", customDataset }: { dataset?: string | undefined; customDataset?: unknown }, { datasets }: ActionContext): [DatasetInput, string] {
  const input = (customDataset as DatasetInput | undefined) ?? dataset;
  return typeof input === "string" ? [datasets.get(input) ?? input, input] : [input, "custom_dataset"];
}

async function train(params: Params, context: ActionContext): Promise<Reply> {
  const { texts, rewards, datasets, ...run } = context;
  demand(trainSchema, params, trainAliases, texts);
  const { evalDataset, ...options } = readOptions(TOOL_NAME, trainSchema, params, trainAliases);
  const algorithm = await findAlgorithm(options.algorithm);
  if (!algorithm) throw new Refusal(texts.unknownAlgorithm(options.algorithm, await algorithmNames()));
  const [dataset, datasetName] = datasetOf(options, context);
  const evaluation = typeof evalDataset === "string" ? (datasets.get(evalDataset) ?? evalDataset) : evalDataset;
  requireRewardType(options.rewardType, texts);
  const result = await runTraining({
    ...run,
    where: TOOL_NAME,
    algorithm,
    options: { ...options, ...(evaluation !== undefined && { evalDataset: evaluation }) },
    dataset,
    datasetName,
    rewards: () => chooseRewards(TOOL_NAME, options, (name) => rewards.get(name)) ?? (algorithm.uses.includes("rewards") ? sameName(datasetName, rewards) : undefined),
  });
  const { learningRate = 0 } = options;
  const isHigh = samples(algorithm) && learningRate > HIGHEST_RL_RATE;
  return { ...trainReply(result), ...(isHigh && { warnings: [texts.highRate(learningRate)] }) };
}

/** A reward registered under the data set's own name is that data set's. */
function sameName(datasetName: string, rewards: ReadonlyMap<string, RewardInput>) {
  return rewards.has(datasetName) ? chooseRewards(TOOL_NAME, { customReward: datasetName }, (name) => rewards.get(name)) : undefined;
}

async function loadDataset(params: Params, context: ActionContext): Promise<Reply> {
  const { texts, models } = context;
  const options = readOptions(TOOL_NAME, loadSchema, params);
  const { format, split, maxSamples, promptTemplate, modelName } = options;
  if (!isFormat(format)) throw new Refusal(texts.unknownFormat(format, formatTypes));
  const [dataset, name] = datasetOf(options, context);
  const opened = await openDataset(dataset, { split, defaultSplit: "train", maxSamples, name, log: quietly(context) });
  const { rows, columns } = prepareRows(opened, format, {}, promptTemplate);
  return {
    status: "success",
    format,
    split: split ?? "train",
    dataset_size: rows.length,
    sample_keys: Object.keys(rows[0]!),
    dataset: opened.label,
    ...(modelName !== undefined && { sample_prompt: seenPrompts(rows.slice(0, 1), await tokenizerOf(modelName, models), columns)[0] }),
  };
}

/** `console: false` holds for lines about a download too. */
const quietly = ({ console = true }: ActionContext): (() => void) | undefined => (console ? undefined : () => undefined);

const isFormat = (format: string): format is FormatType => (formatTypes as readonly string[]).includes(format);

async function createReward(params: Params, { texts }: ActionContext): Promise<Reply> {
  demand(createRewardSchema, params, createRewardAliases, texts);
  const options = readOptions(TOOL_NAME, createRewardSchema, params, createRewardAliases);
  requireRewardType(options.rewardType, texts);
  const parts = ofType(TOOL_NAME, options);
  const single = options.rewardType === "combined" ? {} : Object.fromEntries(Object.entries(parts[0]!.options ?? {}).map(([key, value]) => [snake(key), value]));
  return { status: "success", reward_type: options.rewardType, ...single, description: texts.rewards[options.rewardType]!, reward: parts.length === 1 ? parts[0] : parts };
}

function requireRewardType(type: string | undefined, texts: Texts): void {
  if (type !== undefined && !(rewardTypes as readonly string[]).includes(type)) throw new Refusal(texts.unknownReward(type, rewardTypes));
}

const usualMetrics: readonly MetricName[] = ["accuracy", "average_reward"];

async function evaluate(params: Params, context: ActionContext): Promise<Reply> {
  const { texts, rewards, signal, models } = context;
  demand(evaluateSchema, params, evaluateAliases, texts);
  const options = readOptions(TOOL_NAME, evaluateSchema, params, evaluateAliases);
  const unknown = options.metrics?.find((name) => !(metricNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new Refusal(texts.unknownMetric(unknown, metricNames));
  requireRewardType(options.rewardType, texts);
  const [dataset, datasetName] = datasetOf(options, context);
  const result = await runEvaluation({
    where: TOOL_NAME,
    options,
    metrics: [...new Set([...usualMetrics, ...((options.metrics ?? []) as MetricName[])])],
    dataset,
    datasetName,
    rewards: () => chooseRewards(TOOL_NAME, options, (name) => rewards.get(name)) ?? sameName(datasetName, rewards),
    signal,
    ...(models && { models }),
    log: quietly(context),
  });
  return evaluateReply(result);
}
