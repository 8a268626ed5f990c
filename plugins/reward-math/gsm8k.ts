import { registerReward, z } from "@verlet/core";
import { requireAnswer } from "@verlet/data";

/** Only so many characters from the end are searched. */
const TAIL = 300;

export type Gsm8kMethod = "strict" | "flexible";

/** The answer as verl's GSM8K scorer finds it: after the last `#### ` (strict), or the last number anywhere (flexible). */
export function extractGsm8k(completion: string, method: Gsm8kMethod): string | undefined {
  const tail = [...completion].slice(-TAIL).join(""); // code points, as Python counts
  if (method === "strict") return [...tail.matchAll(/#### (-?[0-9.,]+)/g)].at(-1)?.[1]!.replaceAll(",", "");
  const numbers = tail.match(/-?[0-9.,]+/g) ?? [];
  return numbers.findLast((number) => number !== ".") ?? numbers[0];
}

/** 1 for an equal string, `formatScore` for any other answer that was found, 0 for none. */
export function scoreGsm8k(completion: string, answer: string, method: Gsm8kMethod, formatScore: number): number {
  const found = extractGsm8k(completion, method);
  if (found === undefined) return 0;
  return found === answer ? 1 : formatScore;
}

export const gsm8k = registerReward("gsm8k", {
  options: z.strictObject({
    method: z.enum(["strict", "flexible"]).default("strict").describe("strict: after the last `#### `; flexible: the last number"),
    formatScore: z.number().default(0).describe("score of a wrong answer in the right form"),
  }),
  doc: "String equality with the answer after `#### ` (verl's GSM8K scorer). The answer column holds the bare number.",
})((sample, { options }) => scoreGsm8k(sample.completion, String(requireAnswer(sample)), options.method, options.formatScore));
