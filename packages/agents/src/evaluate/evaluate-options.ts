/** The options of an evaluation. */
import { z } from "@verlet/core";
import { dataShape, rewardChoiceSchema, rewardOptionsShape } from "../options/train-options.js";
import type { Aliases } from "../options/read-options.js";

export const metricNames = ["accuracy", "accuracy_at_k", "average_reward", "average_length", "average_steps", "format_correctness", "per_source"] as const;
export type MetricName = (typeof metricNames)[number];

export const evaluateSchema = z.strictObject({
  modelPath: z.string().min(1).describe("A Hugging Face model folder, or an adapter's."),
  dataset: z.string().min(1).optional().describe('A registered name, a path, hf://owner/name, or "gsm8k" (the default).'),
  customDataset: z.unknown().optional(),
  ...dataShape,
  maxSamples: z.int().min(1).nullable().default(100).describe("Use only the first rows; null = all."),
  useLora: z.boolean().optional().describe("True says that the folder is an adapter's, which is seen without it too."),
  metrics: z.array(z.string().min(1)).min(1).optional().describe(`What to measure: ${metricNames.join(", ")}.`),
  k: z.int().min(2).optional().describe("accuracy_at_k: answers sampled for each question; 5 by default."),
  maxNewTokens: z.int().min(1).default(128).describe("The longest answer, in tokens."),
  maxPromptLength: z.int().min(1).optional().describe("Longer prompts are left out, in tokens."),
  temperature: z.number().min(0).optional().describe("0, the default, takes the likeliest token each time; accuracy_at_k samples at 0.7 where nothing else is said."),
  topP: z.number().gt(0).max(1).optional(),
  topK: z.int().min(0).optional(),
  batchSize: z.int().min(1).default(8).describe("Questions answered at a time."),
  seed: z.int().min(0).optional().describe("Of answers that are sampled; 42 by default."),
  reward: z.union([z.string().min(1), rewardChoiceSchema, z.array(rewardChoiceSchema).min(1)]).optional().describe("What average_reward is of; the accuracy by default."),
  customReward: z.unknown().optional(),
  rewardType: z.string().min(1).optional(),
  ...rewardOptionsShape,
  returnDetails: z.boolean().default(false).describe("Also every question with its answer."),
  reportPath: z.string().min(1).optional().describe("Where to write the report, as JSON."),
  backend: z.string().min(1).optional(),
});

export type EvaluateOptions = z.output<typeof evaluateSchema>;

export const evaluateAliases: Aliases = { model: "modelPath", modelName: "modelPath", maxCompletionLength: "maxNewTokens", outputPath: "reportPath", saveReport: "reportPath" };
