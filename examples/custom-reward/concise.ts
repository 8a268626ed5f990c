import { registerReward, z } from "verlet";

const options = z.strictObject({
  freeTokens: z.number().int().min(0).default(20).describe("tokens that cost nothing"),
  cost: z.number().min(0).default(0.05).describe("taken off for each token more"),
});

/** 1 for a short completion, less for a longer one, never below 0; null (not scored) for one that was cut off. */
export const concise = registerReward("concise", { options, doc: "1, less a little for every token beyond freeTokens." })(
  ({ completionIds, finished }, { options: { freeTokens, cost } }) => {
    if (!finished) return null;
    const extra = Math.max(0, completionIds.length - freeTokens);
    return Math.max(0, 1 - cost * extra);
  },
);
