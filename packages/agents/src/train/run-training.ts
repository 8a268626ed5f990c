/** A run from the documents' options to the folder it leaves, through verlet's manager. */
import "../rewards/register.js";
import { ConfigError, type Metrics, type RunLogger, type TrainStats } from "@verlet/core";
import { createManager, huggingFaceFolder, listenForInterrupt, type ModelSource } from "@verlet/manager";
import { chooseTemplate } from "../data/choose-template.js";
import { hasTestSplit, openDataset, type DatasetInput, type OpenedDataset } from "../data/open-dataset.js";
import { prepareRows, rowsFile } from "../data/prepare-rows.js";
import { samples, type Algorithm } from "../options/algorithms.js";
import { refuseIdle } from "../options/refuse-idle.js";
import type { TrainOptions } from "../options/train-options.js";
import type { RewardPart } from "../rewards/reward-function.js";
import { buildConfig } from "./build-config.js";
import { modelKeys, requireModelFolder } from "./model-section.js";
import { oneAtATime } from "./one-at-a-time.js";
import { ProgressLogger, type TrainProgress } from "./progress.js";

/** What a caller adds to the options. */
export interface RunContext {
  /** Ends training after its step, with what was learnt until then saved, as Ctrl+C does. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: TrainProgress) => void) | undefined;
  /** Lines for people on standard output; true by default. */
  console?: boolean | undefined;
  loggers?: readonly RunLogger[] | undefined;
  /** Brings the model in place of the folder. */
  models?: ModelSource | undefined;
}

export interface TrainRequest extends RunContext {
  /** How messages name what was called. */
  where: string;
  algorithm: Algorithm;
  options: TrainOptions;
  dataset: DatasetInput;
  datasetName: string;
  /** Called when no run trains, as it may have to register them; undefined for the algorithm's own or the accuracy. */
  rewards: () => readonly RewardPart[] | undefined;
}

export interface TrainResult {
  algorithm: string;
  modelName: string;
  outputDir: string;
  /** The folder of the trained model, or of the adapter; of a run that was stopped before its first step, the model as it was. */
  modelPath: string;
  /** Rows of the data set that the run was given. */
  numSamples: number;
  numEpochs: number;
  useLora: boolean;
  /** Optimizer steps done, those before a resume included. */
  steps: number;
  totalSteps: number;
  /** Of the last step; absent where none was taken. */
  finalLoss?: number;
  /** Mean over the run's steps; absent without rewards. */
  averageReward?: number;
  seconds: number;
  backend: string;
  /** True when the run was stopped early. */
  interrupted: boolean;
  /** The last step's metrics, and the last evaluation's. */
  metrics: Metrics;
  evaluation?: Metrics;
}

/** @throws VerletError: wrong options, data, model or folder, before anything is trained; and what fails in training. */
export async function runTraining(request: TrainRequest): Promise<TrainResult> {
  return oneAtATime(async () => {
    // From here on, as the model is loaded before the manager listens: Ctrl+C meanwhile must not end without a model.
    const interrupt = listenForInterrupt(request.signal, () => undefined);
    try {
      return await train({ ...request, signal: interrupt.signal });
    } finally {
      interrupt.dispose();
    }
  });
}

async function train({ where, algorithm, options, dataset, datasetName, rewards: choose, signal, onProgress, console = true, loggers = [], models }: TrainRequest): Promise<TrainResult> {
  refuseIdle(where, algorithm, options);
  const rewards = choose();
  refuseRewards(where, algorithm, rewards);
  if (!models) requireModelFolder(options.modelName);
  const model = await modelKeys(options.modelName, options);
  const tokenizer = await (models ?? huggingFaceFolder).loadTokenizer({ init: "pretrained", ...model } as Parameters<ModelSource["loadTokenizer"]>[0]);
  const { rows, files, data } = await dataKeys(where, algorithm, options, dataset, datasetName, (line) => tell(line, console, loggers));
  const chatTemplate = chooseTemplate(tokenizer, rows, data.columns, options.chatTemplate);
  const chosen = rewards ?? (algorithm.uses.includes("rewards") && !algorithm.ownRewards ? [{ name: "agents/accuracy" }] : undefined);
  const keys = buildConfig({ algorithm, options, model, data: { ...data, chatTemplate }, rewards: chosen, console });
  const progress = new ProgressLogger(options.numEpochs, onProgress, options.loggingSteps);
  const manager = await createManager({}, {
    script: { name: where, keys },
    overrides: options.overrides ?? [],
    loggers: [progress, ...loggers],
    modelOnInterrupt: true,
    ...(signal && { signal }),
    ...(models && { models }),
  });
  try {
    for (const file of files) await file.write();
    const stats = await manager.train();
    return result(stats, options, rows.length, model.lora !== undefined || model.adapter !== undefined, algorithm, progress);
  } finally {
    await manager.dispose();
  }
}

function refuseRewards(where: string, { name, uses }: Algorithm, rewards: readonly RewardPart[] | undefined): void {
  if (!rewards || uses.includes("rewards")) return;
  throw new ConfigError({ where, what: `algorithm ${name} uses no rewards`, got: rewards.map((one) => one.name).join(", "), expected: "none", fix: "Take the reward options out" });
}

/** `data:` of the configuration; rows that no file holds as they are needed get one in the run's folder. */
async function dataKeys(where: string, algorithm: Algorithm, options: TrainOptions, dataset: DatasetInput, name: string, log: (line: string) => void) {
  const { split, maxSamples, columns, outputDir, promptTemplate, evalDataset, evalSteps } = options;
  const prepare = (opened: OpenedDataset) => prepareRows(opened, samples(algorithm) ? "rl" : "sft", columns, promptTemplate);
  const opened = await openDataset(dataset, { split, defaultSplit: "train", maxSamples, name, log });
  const train = prepare(opened);
  const trainFile = train.changed ? rowsFile(outputDir, "train", train.rows) : undefined;
  const evalInput = (evalDataset as DatasetInput | undefined) ?? (evalSteps === undefined ? undefined : testRows(where, dataset));
  const test = evalInput === undefined ? undefined : await openDataset(evalInput, { defaultSplit: "test", name: `${name}/test`, log });
  const evaluation = test && prepare(test);
  const evalFile = evaluation?.changed ? rowsFile(outputDir, "eval", evaluation.rows) : undefined;
  return {
    rows: train.rows,
    /** To be written once the configuration is known to be right. */
    files: [trainFile, evalFile].filter((file) => file !== undefined),
    data: {
      train: trainFile?.path ?? opened.source!,
      ...(!trainFile && maxSamples != null && { maxSamples }),
      ...(test && { eval: evalFile?.path ?? test.source! }),
      columns: train.columns,
    },
  };
}

/** A line from before there is a run: to where the run's own lines will go. */
function tell(line: string, console: boolean, loggers: readonly RunLogger[]): void {
  if (console) process.stdout.write(`${line}\n`);
  for (const logger of loggers) logger.line?.(line);
}

function testRows(where: string, dataset: DatasetInput): DatasetInput {
  if (hasTestSplit(dataset)) return dataset;
  throw new ConfigError({ where, what: "there is nothing to evaluate on", got: "eval_steps with a data set that has no test split", expected: "eval_dataset beside it", fix: "Give eval_dataset, or take eval_steps out" });
}

function result(stats: TrainStats, options: TrainOptions, numSamples: number, useLora: boolean, { name }: Algorithm, progress: ProgressLogger): TrainResult {
  const { steps, totalSteps, outputDir, backend, seconds, metrics, evaluation, interrupted } = stats;
  const averageReward = progress.meanReward ?? metrics.reward;
  return {
    algorithm: name,
    modelName: options.modelName,
    outputDir,
    modelPath: outputDir,
    numSamples,
    numEpochs: options.numEpochs,
    useLora,
    steps,
    totalSteps,
    ...(metrics.loss !== undefined && { finalLoss: metrics.loss }),
    ...(averageReward !== undefined && { averageReward }),
    seconds,
    backend,
    interrupted,
    metrics,
    ...(evaluation && { evaluation }),
  };
}
