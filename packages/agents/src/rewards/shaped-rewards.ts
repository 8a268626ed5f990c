/**
 * Rewards that add to another one. The documents give several formulas for each under one name; all are here by theirs:
 * r is the base reward, l the completion's length in characters, w the weight, s the steps, b the bonus.
 */
import { ConfigError, describeIssues, z, type ErrorParts } from "@verlet/core";
import type { RewardPart } from "./reward-function.js";

export const lengthVariants = ["target", "excess", "linear", "relative"] as const;
export const stepVariants = ["correct", "lines", "formula"] as const;
export type LengthVariant = (typeof lengthVariants)[number];
export type StepVariant = (typeof stepVariants)[number];

const tolerance = z.number().min(0).default(1e-4).describe("how far a number may be off");

export const accuracyOptions = z.strictObject({ tolerance });

/** Where a formula has a maximum and none is given. */
export const MAX_LENGTH = 1024;

export const lengthOptions = z
  .strictObject({
    variant: z
      .enum(lengthVariants)
      .default("target")
      .describe("target: r - w * max(0, l - max) for right answers; excess: max(0, r - w * (l - max) / max) beyond max; linear: r - w * l; relative: r - w * l / max"),
    maxLength: z.int().min(1).optional().describe("max, in characters; 1024 by default, and linear has none"),
    penaltyWeight: z.number().min(0).default(0.001).describe("w"),
    tolerance,
  })
  .refine(({ variant, maxLength }) => variant !== "linear" || maxLength === undefined, { path: ["maxLength"], message: "none beside variant linear, which has no maximum" });

export const stepOptions = z.strictObject({
  variant: z
    .enum(stepVariants)
    .default("correct")
    .describe("correct: r + b * s for right answers; lines: r + min(b * line breaks, 0.5), for wrong ones too; formula: r + b * s, for wrong ones too"),
  stepBonus: z.number().min(0).default(0.1).describe("b"),
  tolerance,
});

export type LengthOptions = z.output<typeof lengthOptions>;
export type StepOptions = z.output<typeof stepOptions>;

/** A base reward above this counts as a right answer, as `evaluateRewards` counts it. */
export const RIGHT = 0.5;

/** The score after the penalty. */
export function penaliseLength(base: number, completion: string, { variant, maxLength = MAX_LENGTH, penaltyWeight }: LengthOptions): number {
  const length = [...completion].length;
  const formulas: Readonly<Record<LengthVariant, () => number>> = {
    target: () => (base > RIGHT ? base - penaltyWeight * Math.max(0, length - maxLength) : base),
    excess: () => (length > maxLength ? Math.max(0, base - (penaltyWeight * (length - maxLength)) / maxLength) : base),
    linear: () => base - penaltyWeight * length,
    relative: () => base - (penaltyWeight * length) / maxLength,
  };
  return formulas[variant]();
}

const MOST_FOR_LINES = 0.5;

/** The score with the bonus. */
export function addSteps(base: number, completion: string, { variant, stepBonus }: StepOptions): number {
  const formulas: Readonly<Record<StepVariant, () => number>> = {
    correct: () => (base > RIGHT ? base + stepBonus * countSteps(completion) : base),
    lines: () => base + Math.min(stepBonus * lineBreaks(completion), MOST_FOR_LINES),
    formula: () => base + stepBonus * countSteps(completion),
  };
  return formulas[variant]();
}

/** Numbered steps (`Step 1:`, `步骤1：`, `1.` at the start of a line), or line breaks where there are none. */
export function countSteps(completion: string): number {
  const numbered = completion.match(/^\s*(?:step\s*\d+\b|步骤\s*\d+|第[一二三四五六七八九十\d]+步|\d+[.)]\s)/gim);
  return numbered?.length ?? lineBreaks(completion);
}

const lineBreaks = (text: string): number => text.split("\n").length - 1;

/** Rewards by the documents' names of their types. */
export const rewardTypes = ["accuracy", "length_penalty", "step", "combined"] as const;
export type RewardType = (typeof rewardTypes)[number];

const schemas = { accuracy: accuracyOptions, length_penalty: lengthOptions, step: stepOptions } as const;

/** The options of one type, checked and complete. @throws ConfigError */
export function partOf(type: keyof typeof schemas, options: Readonly<Record<string, unknown>>, weight?: number): RewardPart {
  const parsed = schemas[type].safeParse(options);
  if (parsed.success) return { name: `agents/${type}`, options: withMaximum(parsed.data), ...(weight !== undefined && { weight }) };
  const where = `reward ${type}`;
  throw new ConfigError(
    parsed.error.issues.flatMap((issue): ErrorParts[] => {
      if (issue.code === "unrecognized_keys") return [{ where, what: "unknown option", got: issue.keys.join(", "), expected: `one of ${Object.keys(schemas[type].shape).join(", ")}` }];
      return describeIssues(new z.ZodError([issue]), options).map(({ path, ...words }) => ({ where, what: path.join(".") || "options", ...words }));
    }),
  );
}

function withMaximum(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const has = (lengthVariants as readonly unknown[]).includes(options.variant) && options.variant !== "linear";
  return has ? { ...options, maxLength: options.maxLength ?? MAX_LENGTH } : options;
}
