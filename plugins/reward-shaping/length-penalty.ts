import { registerReward, z } from "@verlet/core";

/**
 * 0 up to `maxLength`, then falling in a straight line to −1 at twice `maxLength` and beyond:
 * −min(1, (length − maxLength) / maxLength).
 */
export function lengthPenalty(length: number, maxLength: number): number {
  return length <= maxLength ? 0 : -Math.min(1, (length - maxLength) / maxLength);
}

export const lengthPenaltyReward = registerReward("length_penalty", {
  options: z.strictObject({
    maxLength: z.number().int().min(1).describe("length without penalty"),
    unit: z.enum(["tokens", "characters"]).default("tokens"),
  }),
  doc: "0 up to maxLength, then -min(1, (length - maxLength) / maxLength).",
})(({ completion, completionIds }, { options: { maxLength, unit } }) =>
  lengthPenalty(unit === "tokens" ? completionIds.length : [...completion].length, maxLength),
);
