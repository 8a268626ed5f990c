/** The tool's parameters, for programs and for language models. */
import { z } from "@verlet/core";
import { evaluateSchema } from "../evaluate/evaluate-options.js";
import { formatTypes } from "../data/math-format.js";
import { snake, type Aliases } from "../options/read-options.js";
import { dataShape, rewardOptionsShape, trainSchema } from "../options/train-options.js";

export const TOOL_NAME = "rl_training";

export const actions = ["train", "load_dataset", "create_reward", "evaluate"] as const;
export type Action = (typeof actions)[number];

export const loadSchema = z.strictObject({
  format: z.string().default("sft").describe(`${formatTypes.join(" or ")}.`),
  dataset: z.string().min(1).optional().describe('A registered name, a path, hf://owner/name, or "gsm8k" (the default).'),
  customDataset: z.unknown().optional(),
  split: dataShape.split,
  promptTemplate: dataShape.promptTemplate,
  maxSamples: z.int().min(1).nullable().default(100).describe("Use only the first rows; null = all."),
  modelName: z.string().min(1).optional().describe("Also show the first prompt as this model sees it."),
});

export const createRewardSchema = z.strictObject({
  rewardType: z.string().min(1).describe("accuracy, length_penalty, step or combined."),
  ...rewardOptionsShape,
});
export const createRewardAliases: Aliases = { maxLength: "targetLength" };

/** What only a script can hand over is no part of what a model is shown. */
const scriptOnly = { customDataset: true, customReward: true } as const;

const shown: Readonly<Record<Action, z.ZodObject>> = {
  train: trainSchema.omit({ ...scriptOnly, overrides: true }).extend({ evalDataset: z.string().min(1).optional().describe("Where to evaluate on: a registered name or a path.") }),
  load_dataset: loadSchema.omit({ customDataset: true }),
  create_reward: createRewardSchema,
  evaluate: evaluateSchema.omit(scriptOnly),
};

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * One flat schema for all actions, as every host of tools takes it: the parameters in snake_case, each with the actions it
 * belongs to. Required is the action alone, since the others depend on it, and defaults stand in the words: filled in, they
 * would reach actions that do not have them.
 */
export function flatSchema(): z.ZodObject {
  const options = new Map<string, { type: z.ZodType; words: Map<string, string[]> }>();
  for (const action of actions) {
    for (const [name, option] of Object.entries(shown[action].shape as Record<string, z.ZodType>)) {
      const known = options.get(snake(name)) ?? { type: withoutDefault(option), words: new Map<string, string[]>() };
      const text = wordsOf(option);
      const required = option.safeParse(undefined).success ? "" : " (required)";
      known.words.set(text, [...(known.words.get(text) ?? []), `${action}${required}`]);
      options.set(snake(name), known);
    }
  }
  const shape = Object.fromEntries([...options].map(([name, { type, words }]) => [name, type.optional().describe([...words].map(([text, of]) => `[${of.join(", ")}] ${text}`.trim()).join(" "))]));
  return z.strictObject({ action: z.enum(actions).describe("What to do."), ...shape });
}

function wordsOf(option: z.ZodType): string {
  const fallback = option instanceof z.ZodDefault ? `${JSON.stringify(option.parse(undefined))} by default.` : "";
  return [option.description, fallback].filter(Boolean).join(" ");
}

const withoutDefault = (option: z.ZodType): z.ZodType => (option instanceof z.ZodDefault ? (option.unwrap() as z.ZodType) : option);

/** The same as JSON Schema. */
export function toolSchema(): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(flatSchema(), { io: "input" });
  return schema;
}
