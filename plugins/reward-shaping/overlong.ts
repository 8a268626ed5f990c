import { registerReward, z } from "@verlet/core";

const options = z
  .strictObject({
    maxLength: z.number().int().min(1).describe("the longest completion in tokens, usually rollout.maxNewTokens"),
    buffer: z.number().int().min(1).describe("tokens before maxLength over which the penalty grows"),
    factor: z.number().min(0).default(1).describe("penalty at maxLength"),
    bounded: z.boolean().default(true).describe("no more than factor beyond maxLength (TRL); false goes on falling (verl)"),
  })
  .refine(({ maxLength, buffer }) => buffer <= maxLength, { path: ["buffer"], message: "it may not exceed maxLength" });

export type OverlongOptions = z.infer<typeof options>;

/**
 * The soft overlong punishment of DAPO (Yu et al. 2025, eq. 13): 0 up to `maxLength − buffer` tokens, then
 * −factor · (length − (maxLength − buffer)) / buffer; where it is bounded, no lower than −factor.
 */
export function overlongPenalty(length: number, { maxLength, buffer, factor, bounded }: OverlongOptions): number {
  const share = Math.max(0, (length - (maxLength - buffer)) / buffer);
  return share === 0 ? 0 : -factor * (bounded ? Math.min(1, share) : share);
}

export const overlong = registerReward("overlong", {
  options,
  doc: "DAPO's soft overlong punishment: 0, then falling to -factor over the last `buffer` tokens before maxLength.",
})(({ completionIds }, context) => overlongPenalty(completionIds.length, context.options));
