// A YAML beside this file takes it by
//
//   plugins: [./my-part.ts]
//   advantage: { name: my-part, limit: 2 }

import { groupAdvantages, meanOf, registerAdvantage, z } from "verlet";

const options = z.strictObject({
  limit: z.number().gt(0).default(2).describe("an advantage is cut off at ± this"),
});

/**
 * A = score − mean of its group, cut off at ±limit, the same on every token of a row.
 * `groupAdvantages` leaves out rows that could not be scored and gives 0 to a group that has nothing to compare.
 */
export const myPartAdvantage = registerAdvantage("my-part", { options, needs: { leastGroupSize: 2 }, doc: "score minus the group's mean, cut off" })(
  (input, { limit }) =>
    groupAdvantages(input, (scores) => {
      const mean = meanOf(scores);
      return scores.map((score) => Math.max(-limit, Math.min(limit, score - mean)));
    }),
);
