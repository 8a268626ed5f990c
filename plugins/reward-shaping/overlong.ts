import { registerReward, z } from "@verlet/core";
import { overlongPenalty } from "@verlet/data";

const options = z
  .strictObject({
    maxLength: z.number().int().min(1).describe("the longest completion in tokens, usually rollout.maxNewTokens"),
    buffer: z.number().int().min(1).describe("tokens before maxLength over which the penalty grows"),
    factor: z.number().min(0).default(1).describe("penalty at maxLength"),
    bounded: z.boolean().default(true).describe("no more than factor beyond maxLength (TRL); false goes on falling (verl)"),
  })
  .refine(({ maxLength, buffer }) => buffer <= maxLength, { path: ["buffer"], message: "it may not exceed maxLength" });

export const overlong = registerReward("overlong", {
  options,
  doc: "DAPO's soft overlong punishment: 0, then falling to -factor over the last `buffer` tokens before maxLength.",
})(({ completionIds }, context) => overlongPenalty(completionIds.length, context.options));
