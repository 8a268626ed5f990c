import { registerReward, z } from "@verlet/core";

const options = z
  .strictObject({
    pattern: z.string().min(1).describe("a JavaScript regular expression; anchor it with ^ and $ to match the whole completion"),
    flags: z
      .string()
      .regex(/^[imsuv]*$/, "only the flags i, m, s, u and v")
      .default("s")
      .describe("its flags; s lets . match line breaks"),
  })
  .superRefine(({ pattern, flags }, context) => {
    try {
      new RegExp(pattern, flags);
    } catch (error) {
      context.addIssue({ code: "custom", path: ["pattern"], message: (error as Error).message });
    }
  });

/** 1 where the completion matches the pattern, else 0. */
export const format = registerReward("format", { options, doc: "1 when the completion matches a regular expression, else 0." })(
  ({ completion }, { options: { pattern, flags } }) => (new RegExp(pattern, flags).test(completion) ? 1 : 0),
);
