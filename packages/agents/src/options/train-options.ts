/** The options of a training run, and the keys of verlet's configuration that they set. */
import { z } from "@verlet/core";
import type { Aliases } from "./read-options.js";

const count = (): z.ZodInt => z.int().min(1);
const countOrZero = (): z.ZodInt => z.int().min(0);
const ratio = (): z.ZodNumber => z.number().min(0).max(1);
const positive = (): z.ZodNumber => z.number().gt(0);
const notNegative = (): z.ZodNumber => z.number().min(0);
const reporterNames = ["tensorboard", "wandb"] as const;

/** A registered reward with its options. */
export const rewardChoiceSchema = z.strictObject({ name: z.string().min(1), options: z.record(z.string(), z.unknown()).optional(), weight: z.number().optional() });

/** What rewards are made of where their type is named. */
export const rewardOptionsShape = {
  penaltyWeight: notNegative().optional().describe("length_penalty: its weight; 0.001 by default."),
  targetLength: count().optional().describe("length_penalty: characters without penalty; 1024 by default."),
  stepBonus: notNegative().optional().describe("step: reward of each step; 0.1 by default."),
  tolerance: notNegative().optional().describe("How far a number may be off; 0.0001 by default."),
  variant: z.string().min(1).optional().describe("Which form of length_penalty (target, excess, linear, relative) or step (correct, lines, formula)."),
  rewardConfig: z.record(z.string(), z.unknown()).optional().describe('The options of reward_type, or for combined { "components": [{ "type": "accuracy", "weight": 1.0 }, …] }.'),
} as const;

/** Where rows come from. */
export const dataShape = {
  split: z.string().min(1).optional().describe('Split of the data set: "train", "test", or a part of one such as "train[:1000]".'),
  columns: z.record(z.string(), z.string().min(1)).optional().describe("Names of its columns: prompt, completion, messages, text, answer."),
  promptTemplate: z.string().min(1).optional().describe("How questions with answers are asked; has a place for {question}."),
  chatTemplate: z.enum(["auto", "always", "never"]).optional().describe("Whether plain prompts go through the chat template; always by default where the model has one."),
} as const;

/** `dataset` "gsm8k" by default. Ways in which only a script can hand over parts are `customDataset` and `customReward`. */
export const trainSchema = z.strictObject({
  algorithm: z.string().min(1).describe("sft, grpo, or another registered algorithm or preset."),
  modelName: z.string().min(1).describe("A Hugging Face model folder, or an adapter's."),
  outputDir: z.string().min(1).describe("The run's folder; the model lies there at the end."),
  dataset: z.string().min(1).optional().describe('A registered name, a path, hf://owner/name, or "gsm8k" (the default).'),
  customDataset: z.unknown().optional(),
  evalDataset: z.unknown().optional(),
  maxSamples: count().nullable().optional().describe("Use only the first rows; all by default."),
  ...dataShape,
  numEpochs: count().default(3).describe("Times every row is seen."),
  maxSteps: count().optional().describe("Stop after this many optimizer steps."),
  batchSize: count().optional().describe("Rows (SFT) or prompts (RL) of a batch; 4 by default, 2 for RL."),
  gradientAccumulationSteps: count().optional().describe("Batches of one optimizer step; 1 by default."),
  learningRate: positive().optional().describe("2e-5 for sft and 1e-5 for grpo by default; the algorithm's own otherwise."),
  warmupRatio: ratio().optional(),
  warmupSteps: countOrZero().optional(),
  lrSchedulerType: z.enum(["constant", "linear", "cosine"]).optional(),
  weightDecay: notNegative().optional(),
  maxGradNorm: notNegative().optional(),
  optimizer: z.string().min(1).optional().describe("adamw, which it always is."),
  seed: countOrZero().optional(),
  useLora: z.boolean().optional().describe("Train an adapter; false by default."),
  loraR: count().optional().describe("16 by default."),
  loraAlpha: positive().optional().describe("32 by default."),
  loraDropout: z.number().min(0).lt(1).optional().describe("0.05 by default."),
  loraTargetModules: z.union([z.literal("all-linear"), z.array(z.string().min(1)).min(1)]).optional().describe("All linear layers by default."),
  maxLength: z.int().min(2).optional().describe("SFT: longer rows are cut, in tokens."),
  maxPromptLength: count().optional().describe("RL: longer prompts are dropped, in tokens."),
  numGenerations: count().optional().describe("RL: completions of each prompt."),
  maxNewTokens: count().optional().describe("RL: the longest completion, in tokens."),
  temperature: notNegative().optional(),
  topP: positive().max(1).optional(),
  topK: countOrZero().optional(),
  klCoef: notNegative().optional().describe("RL: weight of the KL divergence from the starting model."),
  clipRange: notNegative().optional().describe("RL: the ratio is clipped to 1 ± clip_range."),
  clipRangeHigh: notNegative().optional().describe("RL: another bound above."),
  numIterations: count().optional().describe("RL: passes over each sampled batch."),
  reward: z.union([z.string().min(1), rewardChoiceSchema, z.array(rewardChoiceSchema).min(1)]).optional().describe("A registered reward, or what create_reward gave."),
  customReward: z.unknown().optional(),
  rewardType: z.string().min(1).optional().describe("accuracy (the default), length_penalty, step or combined."),
  ...rewardOptionsShape,
  saveSteps: countOrZero().optional().describe("Steps between checkpoints; 0 = only at the end."),
  loggingSteps: count().optional().describe("Steps between lines on the console."),
  evalSteps: countOrZero().optional().describe("Steps between evaluations, which need eval_dataset or a data set with a test split."),
  useTensorboard: z.boolean().optional().describe("Write TensorBoard's event files to output_dir/runs; true by default."),
  useWandb: z.boolean().optional().describe("Send metrics to Weights & Biases, with @wandb/sdk installed; false by default."),
  wandbProject: z.string().min(1).optional().describe("Project of Weights & Biases."),
  reportTo: z.union([z.enum(["none", ...reporterNames]), z.array(z.enum(reporterNames))]).optional().describe('In place of the two switches: "tensorboard", "wandb", a list of them, or "none".'),
  runName: z.string().min(1).optional().describe("Name of the run in Weights & Biases; that of the folder by default."),
  loggingDir: z.string().min(1).optional().describe("Another folder for TensorBoard's event files."),
  fp16: z.boolean().optional().describe("False: there is no such arithmetic; see bf16."),
  bf16: z.boolean().optional().describe("Matrix products in bfloat16, on the native backend; false by default."),
  gradientCheckpointing: z.boolean().optional().describe("Compute activations a second time instead of keeping them: less memory, more time; false by default."),
  backend: z.string().min(1).optional().describe("auto by default: the fastest that works."),
  overrides: z.array(z.string()).optional().describe('Any key of verlet\'s configuration, such as "loss.aggregation=token-sum".'),
});

export type TrainOptions = z.output<typeof trainSchema>;

/** Names that the documents or TRL have for the same. */
export const trainAliases: Aliases = {
  model: "modelName",
  loraRank: "loraR",
  targetModules: "loraTargetModules",
  numTrainEpochs: "numEpochs",
  perDeviceTrainBatchSize: "batchSize",
  maxCompletionLength: "maxNewTokens",
  beta: "klCoef",
  epsilon: "clipRange",
  epsilonHigh: "clipRangeHigh",
  evaluationDataset: "evalDataset",
  useFp16: "fp16",
  useBf16: "bf16",
};

/** Options that set one key each. */
const plain: Readonly<Partial<Record<keyof TrainOptions, string>>> = {
  numEpochs: "trainer.epochs",
  maxSteps: "trainer.maxSteps",
  learningRate: "optimizer.learningRate",
  warmupRatio: "optimizer.schedule.warmupRatio",
  warmupSteps: "optimizer.schedule.warmupSteps",
  lrSchedulerType: "optimizer.schedule.name",
  weightDecay: "optimizer.weightDecay",
  maxGradNorm: "optimizer.maxGradNorm",
  seed: "trainer.seed",
  maxLength: "data.maxLength",
  maxPromptLength: "data.maxPromptTokens",
  numGenerations: "rollout.numGenerations",
  maxNewTokens: "rollout.maxNewTokens",
  temperature: "rollout.temperature",
  topP: "rollout.topP",
  topK: "rollout.topK",
  klCoef: "loss.klCoef",
  clipRange: "loss.clipLow",
  numIterations: "loss.iterations",
  saveSteps: "trainer.saveEvery",
  evalSteps: "trainer.evalEvery",
  gradientCheckpointing: "trainer.gradientCheckpointing",
  outputDir: "trainer.outputDir",
  backend: "backend",
};

/** The keys of verlet's configuration that the options set one by one, as a tree. */
export function plainKeys(options: Partial<TrainOptions>): Record<string, Record<string, unknown>> {
  const tree: Record<string, Record<string, unknown>> = {};
  for (const [option, path] of Object.entries(plain)) setAt(tree, path, options[option as keyof TrainOptions]);
  setAt(tree, "loss.clipHigh", options.clipRangeHigh ?? options.clipRange);
  return tree;
}

/** Sets a key of a tree; undefined sets nothing. */
export function setAt(tree: Record<string, unknown>, path: string, value: unknown): void {
  if (value === undefined) return;
  const keys = path.split(".");
  const last = keys.pop()!;
  const parent = keys.reduce<Record<string, unknown>>((at, key) => (at[key] ??= {}) as Record<string, unknown>, tree);
  parent[last] = value;
}
