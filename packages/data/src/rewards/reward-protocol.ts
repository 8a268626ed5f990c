/**
 * Rewards over HTTP: what the `http` reward sends with POST, and what `verlet reward serve` or a server of one's own answers.
 *
 * ```
 * { "samples": [{ "prompt": "…", "completion": "…", "messages": [{ "role": "assistant", "content": "…" }],
 *                 "row": { … }, "answer": …, "finished": true, "completionIds": [ … ] }],
 *   "options": { … } }                                          →  { "scores": [1, null, …] }
 * ```
 *
 * One score a sample, in their order: a finite number, or null for one that cannot be scored. `row` holds all columns of
 * the data set's row and `answer` its answer column, absent where the row has none; `options` is there where the client has
 * some for the server. An error is any other status than 200, with `{ "error": "what was wrong" }`.
 */
import type { RewardSample } from "@verlet/core";
import { RewardError, z } from "@verlet/core";

/** Only `prompt` and `completion` must be there; what is left out is as in a sample without it. */
export const rewardRequestSchema = z.strictObject({
  samples: z.array(
    z.strictObject({
      prompt: z.string(),
      completion: z.string(),
      messages: z.array(z.strictObject({ role: z.string(), content: z.string() })).optional(),
      row: z.record(z.string(), z.unknown()).default({}),
      answer: z.unknown().optional(),
      finished: z.boolean().default(true),
      completionIds: z.array(z.number().int().min(0)).optional(),
    }),
  ),
  options: z.record(z.string(), z.unknown()).optional(),
});

export type RewardRequest = z.input<typeof rewardRequestSchema>;
export type WireSample = z.output<typeof rewardRequestSchema>["samples"][number];

/** A server may answer with more than the scores; the rest is not read. */
export const rewardResponseSchema = z.looseObject({ scores: z.array(z.number().nullable()) });

export function toRewardRequest(samples: readonly RewardSample[], options: Readonly<Record<string, unknown>> | undefined): RewardRequest {
  return {
    samples: samples.map(({ prompt, completion, messages, row, answer, finished, completionIds }) => ({
      prompt,
      completion,
      messages: [...messages],
      row: { ...row },
      answer,
      finished,
      completionIds: [...completionIds],
    })),
    ...(options && { options: { ...options } }),
  };
}

/** A sample as rewards see it. One that was sent without `completionIds` throws when a reward reads them. */
export function fromWireSample({ prompt, completion, messages, row, answer, finished, completionIds }: WireSample): RewardSample {
  return Object.freeze({
    prompt,
    completion,
    messages: messages ?? [{ role: "assistant", content: completion }],
    row,
    answer,
    finished,
    get completionIds(): readonly number[] {
      if (completionIds) return completionIds;
      throw new RewardError({ where: "reward", what: "it counts tokens and the request has none", fix: "Send `completionIds` with each sample" });
    },
  });
}
