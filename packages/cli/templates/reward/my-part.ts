// A YAML beside this file takes it by
//
//   plugins: [./my-part.ts]
//   rewards: [{ name: my-part, weight: 1, options: { bonus: 0.1 } }]

import { registerReward, z } from "verlet";

const options = z.strictObject({
  bonus: z.number().default(0.1).describe("more for a right answer that ends by itself"),
});

/** 1 when the completion's last line holds the row's answer, else 0; null (not scored) for a row that has no answer. */
export const myPartReward = registerReward("my-part", { options, doc: "1 when the last line holds the answer, with a bonus for an end." })(
  ({ completion, answer, finished }, { options: { bonus } }) => {
    if (typeof answer !== "string" && typeof answer !== "number") return null;
    const lastLine = completion.trimEnd().split("\n").at(-1)!;
    if (!lastLine.includes(String(answer))) return 0;
    return finished ? 1 + bonus : 1;
  },
);
