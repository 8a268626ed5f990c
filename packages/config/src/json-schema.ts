/** JSON Schema (draft-07) of the whole YAML, from what is registered now, for editors. */
import { registry } from "@verlet/core";
import type { Kind } from "@verlet/core";
import { z } from "zod";
import { toDraft7 } from "./draft7.js";
import type { JsonSchema } from "./draft7.js";
import { presetNames } from "./presets.js";
import {
  backendNames,
  dataSchema,
  lossSchema,
  modelSchema,
  optimizerSchema,
  rewardSchema,
  rolloutSchema,
  trainerSchema,
} from "./sections.js";

export function schemaJson(): JsonSchema {
  const schema = z.strictObject({
    extends: z.union([z.string(), z.array(z.string())]).optional().describe("YAML files that this one changes, relative to it."),
    algorithm: algorithm().describe("What trains the model; its defaults fill what is not written."),
    plugins: z.array(z.string()).optional().describe("Files (relative to this one) and packages that register parts."),
    model: modelSchema.describe("The model to train."),
    data: dataSchema.describe("The rows to train and evaluate on."),
    rollout: rolloutSchema.optional().describe("How completions are sampled."),
    rewards: z.array(reward()).min(1).optional().describe("What scores a completion; the score is their weighted sum."),
    verifier: reward().optional().describe("One reward more, which says what is right: evaluation measures acc by it."),
    rewardManager: choiceOf("rewardManager").optional().describe("Runs the rewards."),
    advantage: z
      .union([
        choiceOf("advantage"),
        z.looseObject({ module: z.string().describe("A file that exports the function."), function: z.string().optional() }),
      ])
      .optional()
      .describe("How scores become advantages."),
    loss: choiceOf("policyLoss", lossSchema).optional().describe("The policy loss, and how it is averaged."),
    optimizer: optimizerSchema.optional().describe("AdamW."),
    trainer: trainerSchema
      .extend({ loggers: z.array(choiceOf("logger")).optional().describe("Who is told what happens.") })
      .optional()
      .describe("The course of the run."),
    backend: z.enum(backendNames).default("auto").describe("What computes."),
  });
  return { ...toDraft7(schema), title: "verlet configuration" };
}

/** A part's bare name, or a mapping of its name, the section's own keys and the part's options. */
function choiceOf(kind: Kind, section: z.ZodObject = z.strictObject({})): z.ZodType {
  return z.union(formsOf(kind, section));
}

/** A trainer or a preset; a preset's name may stand in a mapping too, beside options of its trainer. */
function algorithm(): z.ZodType {
  const presets = z.enum(presetNames());
  return z.union([...formsOf("trainer", z.strictObject({})), presets, z.looseObject({ name: presets })]);
}

function formsOf(kind: Kind, section: z.ZodObject): z.ZodType[] {
  const entries = registry.list(kind);
  if (entries.length === 0) return [z.string()];
  const names = z.enum(entries.map(({ name }) => name));
  const mappings = entries.map((entry) =>
    z.strictObject({ ...section.shape, ...entry.options.shape, name: z.literal(entry.name) }).describe(entry.doc),
  );
  return [names, ...mappings];
}

function reward(): z.ZodType {
  const entries = registry.list("reward");
  if (entries.length === 0) return z.string();
  const mappings = entries.map((entry) =>
    z
      .strictObject({ name: z.literal(entry.name), ...rewardSchema.shape, options: entry.options.optional() })
      .describe(entry.doc),
  );
  const fromModule = z.strictObject({
    module: z.string().describe("A file that exports a function in VERL's form."),
    function: z.string().optional().describe("Which one, where several fit."),
    ...rewardSchema.shape,
    options: z.looseObject({}).optional(),
  });
  return z.union([z.enum(entries.map(({ name }) => name)), ...mappings, fromModule]);
}
