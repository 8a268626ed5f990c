import { beforeAll, describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import type { Reward, RewardContext, RewardSample, Row } from "@verlet/core";

/** A sample with this completion; each character counts as one token. */
export function rewardSample(completion: string, row: Row = { answer: "42" }, finished = true): RewardSample {
  const completionIds = [...completion].map((character) => character.codePointAt(0)!);
  return { prompt: "What is 6 * 7?", completion, messages: [{ role: "assistant", content: completion }], completionIds, finished, row, answer: row.answer };
}

export const rewardContext: RewardContext = { options: {}, step: 1, signal: new AbortController().signal };

/** Scores one completion with a registered reward, whichever of its two forms it has. */
export async function scoreOf(reward: Reward, sample: RewardSample): Promise<number | null> {
  if (reward.score) return reward.score(sample, rewardContext);
  return (await reward.scoreBatch!([sample], rewardContext))[0]!;
}

const oddCompletions: [string, string][] = [
  ["an empty completion", ""],
  ["white space", " \n\t "],
  ["a very long completion", "7*8 = 56, ".repeat(5_000)],
  ["one character without end", "#".repeat(20_000)],
  ["unicode", "答案是 ４２ 🙂 e\u0301 \uD800 \u2028 ####\u00A042"],
  ["open brackets", "\\boxed{\\frac{1}{ {{{ (((( \\boxed"],
  ["control characters", "\0\x07 #### \x1b[31m42"],
  ["long runs of blanks", `#### ${" ".repeat(20_000)}5${" ".repeat(20_000)}x`],
  ["special tokens", "<|im_end|><think></think><|endoftext|>"],
  ["a very long number", `#### ${"9".repeat(400)}`],
];

/**
 * What every reward must keep: a finite number or null for any completion, the same each time, and samples left as they are.
 * @param row a row as the reward's data set has them.
 */
export function rewardContract(name: string, options: Record<string, unknown> = {}, row: Row = { answer: "42" }): void {
  describe(`reward contract: ${name} ${JSON.stringify(options)}`, () => {
    let reward: Reward;
    beforeAll(() => {
      reward = createComponent("reward", name, options);
    });

    it.each(oddCompletions)("scores %s with a finite number or null, the same twice", async (_, completion) => {
      for (const finished of [true, false]) {
        const first = await scoreOf(reward, rewardSample(completion, row, finished));
        expect(first === null || Number.isFinite(first)).toBe(true);
        expect(await scoreOf(reward, rewardSample(completion, row, finished))).toBe(first);
      }
    });

    it("does not change the sample", async () => {
      for (const [, completion] of oddCompletions) {
        const sample = rewardSample(completion, structuredClone(row));
        const before = structuredClone(sample);
        deepFreeze(sample);
        await scoreOf(reward, sample);
        expect(sample).toEqual(before);
      }
    });
  });
}

function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}
