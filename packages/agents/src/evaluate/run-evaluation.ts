/** Asks a model every question of a data set and measures its answers, with the parts that training uses. */
import "../rewards/register.js";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError, Rng, TrainingError, type Prompt, type ScoredRollout } from "@verlet/core";
import { loadBuiltins, resolveConfig } from "@verlet/config";
import { describeReport, placeOf, preparePrompts } from "@verlet/data";
import { huggingFaceFolder, openSession, type ModelSource, type Session } from "@verlet/manager";
import { sampleGroups } from "@verlet/rollout";
import { chooseTemplate } from "../data/choose-template.js";
import { openDataset, type DatasetInput } from "../data/open-dataset.js";
import { prepareRows } from "../data/prepare-rows.js";
import { inSnake } from "../options/read-options.js";
import { REWARDS_PLUGIN } from "../rewards/register.js";
import type { RewardPart } from "../rewards/reward-function.js";
import { deviceOf, type Device } from "../train/device.js";
import { isAdapterFolder, modelKeys, requireModelFolder } from "../train/model-section.js";
import { oneAtATime } from "../train/one-at-a-time.js";
import type { EvaluateOptions, MetricName } from "./evaluate-options.js";
import { measure, type AnswerDetails, type Measured } from "./measure.js";

export interface EvaluateRequest {
  where: string;
  options: EvaluateOptions;
  metrics: readonly MetricName[];
  dataset: DatasetInput;
  datasetName: string;
  /** Called when no run trains. */
  rewards: () => readonly RewardPart[] | undefined;
  signal?: AbortSignal | undefined;
  models?: ModelSource | undefined;
  /** Takes lines about a download; on standard error without it. */
  log?: ((line: string) => void) | undefined;
}

export interface EvaluationResult extends Measured {
  modelPath: string;
  dataset: string;
  /** Questions that were asked. */
  numSamples: number;
  /** What became of the rows, in words. */
  data: string;
  temperature: number;
  seconds: number;
  backend: string;
  device: Device;
  details?: readonly AnswerDetails[];
}

const ACCURACY: RewardPart = { name: "agents/accuracy" };
const DEFAULT_SEED = 42;
const DEFAULT_K = 5;
const DEFAULT_K_TEMPERATURE = 0.7;

/** @throws VerletError: wrong options, a missing model, rows without answers, and a signal that was aborted. */
export async function runEvaluation(request: EvaluateRequest): Promise<EvaluationResult> {
  const result = await oneAtATime(() => evaluate(request));
  const { reportPath, returnDetails } = request.options;
  if (reportPath !== undefined) {
    await mkdir(dirname(reportPath), { recursive: true });
    await writeFile(reportPath, `${JSON.stringify(inSnake(result), null, 2)}\n`);
  }
  const { details, ...rest } = result;
  return returnDetails ? { ...rest, details: details! } : rest;
}

async function evaluate({ where, options, metrics, dataset, datasetName, rewards, signal, log, models = huggingFaceFolder }: EvaluateRequest): Promise<EvaluationResult> {
  const start = performance.now();
  refuseIdle(where, options, metrics);
  if (models === huggingFaceFolder) requireModelFolder(options.modelPath);
  await loadBuiltins();
  const { temperature = 0, modelPath, maxSamples, split, columns, promptTemplate } = options;
  const opened = await openDataset(dataset, { split, defaultSplit: "test", maxSamples, name: datasetName, log });
  const prepared = prepareRows(opened, "rl", columns, promptTemplate);
  const chosen = rewards() ?? [ACCURACY];
  const all = chosen.some(({ name }) => name === ACCURACY.name) ? chosen : [...chosen, ACCURACY]; // measured whatever the reward is
  const model = await modelKeys(modelPath);
  const loaded = await resolveConfig(
    {
      algorithm: "grpo",
      plugins: [REWARDS_PLUGIN],
      model,
      data: { train: opened.label, columns: prepared.columns, ...(options.maxPromptLength !== undefined && { maxPromptTokens: options.maxPromptLength }) },
      rewards: all.map(({ name, options: own, weight }) => ({ name, ...(own && { options: own }), ...(weight !== undefined && { weight }) })),
      ...(options.backend !== undefined && { backend: options.backend }),
    },
    { name: where },
  );
  const session = await openSession(loaded, models);
  try {
    const chatTemplate = chooseTemplate(session.tokenizer, prepared.rows, prepared.columns, options.chatTemplate);
    const section = { ...loaded.config.data, chatTemplate };
    const { prompts, report } = preparePrompts(prepared.rows, session.tokenizer, section, (i) => placeOf(prepared.rows[i]!) ?? `${opened.label}:${i + 1}`);
    const answers = await answer(session, prompts, options, { count: 1, temperature, signal });
    const many = metrics.includes("accuracy_at_k")
      ? await answer(session, prompts, options, { count: options.k ?? DEFAULT_K, temperature: options.temperature ?? DEFAULT_K_TEMPERATURE, signal })
      : undefined;
    const { details, ...measured } = measure({ metrics, rewards: chosen, k: options.k ?? DEFAULT_K }, answers, many);
    const backend = session.backend.name;
    return {
      modelPath,
      dataset: opened.label,
      numSamples: prompts.length,
      ...measured,
      data: describeReport(report),
      temperature,
      seconds: Math.round(performance.now() - start) / 1000,
      backend,
      device: deviceOf(backend),
      details,
    };
  } finally {
    session.dispose();
  }
}

interface Sampling {
  /** Answers to each question. */
  count: number;
  temperature: number;
  signal: AbortSignal | undefined;
}

async function answer({ policy, tokenizer, rewards }: Session, prompts: readonly Prompt[], options: EvaluateOptions, { count, temperature, signal }: Sampling): Promise<ScoredRollout[]> {
  const { batchSize, maxNewTokens, topP = 1, topK = 0, seed = DEFAULT_SEED } = options;
  const sampling = { numGenerations: count, temperature, maxNewTokens, topP, topK, minP: 0, repetitionPenalty: 1 };
  const rng = new Rng(seed).fork("evaluate");
  const rollouts: ScoredRollout[] = [];
  for (let done = 0; done < prompts.length; done += batchSize) {
    if (signal?.aborted) throw new TrainingError({ where: "evaluate", what: "it was cancelled", got: `${done} of ${prompts.length} questions answered`, expected: "all of them" });
    const sampled = await sampleGroups(policy, tokenizer, prompts.slice(done, done + batchSize), sampling, rng, done);
    rollouts.push(...(await rewards!.score(sampled, { step: 0, signal: signal ?? new AbortController().signal })).rollouts);
  }
  return rollouts;
}

function refuseIdle(where: string, { modelPath, useLora, temperature, k, topP, topK, seed }: EvaluateOptions, metrics: readonly MetricName[]): void {
  const atK = metrics.includes("accuracy_at_k");
  if (useLora && !isAdapterFolder(modelPath)) throw new ConfigError({ where, what: "use_lora", got: `true for ${modelPath}`, expected: "an adapter's folder", fix: "Take use_lora out: what the folder holds is seen" });
  if (atK && temperature === 0) throw new ConfigError({ where, what: "accuracy_at_k", got: "temperature 0, at which all answers are the same", expected: "a temperature above 0" });
  if (k !== undefined && !atK) throw new ConfigError({ where, what: "k", got: `${k} without the metric accuracy_at_k`, expected: "both" });
  if (temperature || atK) return;
  const idle = Object.entries({ top_p: topP, top_k: topK, seed }).filter(([, value]) => value !== undefined);
  if (idle.length > 0) throw new ConfigError(idle.map(([what, value]) => ({ where, what, got: `${value} at temperature 0, where it changes nothing`, expected: "a temperature above 0" })));
}
