import { describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import { overlongPenalty } from "@verlet/data";
import { lengthPenalty, repetitionPenalty } from "@verlet/plugins/reward-shaping";
import { rewardContract, rewardSample, scoreOf } from "../../../contracts/reward.js";
import { readJson } from "../../../helpers/fixtures.js";

const score = (name: string, options: Record<string, unknown>, completion: string): Promise<number | null> =>
  scoreOf(createComponent("reward", name, options), rewardSample(completion));
const ofLength = (length: number) => ({ ...rewardSample(""), completionIds: new Array<number>(length).fill(1) });

describe("format", () => {
  it("matches a regular expression, line breaks included", async () => {
    expect(await score("format", { pattern: "^<a>.*</a>$" }, "<a>x\ny</a>")).toBe(1);
    expect(await score("format", { pattern: "^<a>.*</a>$" }, "<a>x</a> ")).toBe(0);
    expect(await score("format", { pattern: "answer" }, "The Answer")).toBe(0);
    expect(await score("format", { pattern: "answer", flags: "i" }, "The Answer")).toBe(1);
    expect(await score("format", { pattern: "^a.b$", flags: "" }, "a\nb")).toBe(0);
  });

  it("says what is wrong with a pattern before the run", () => {
    expect(() => createComponent("reward", "format", { pattern: "(" })).toThrow(/reward format.*pattern.*Unterminated group/);
    expect(() => createComponent("reward", "format", { pattern: "a", flags: "g" })).toThrow(/flags/);
    expect(() => createComponent("reward", "format", {})).toThrow(/pattern/);
  });
});

describe("length_penalty", () => {
  it("falls from 0 at maxLength to -1 at twice that", async () => {
    // -(15 - 10) / 10 = -0.5
    expect([0, 10, 15, 20, 99].map((length) => lengthPenalty(length, 10))).toEqual([0, 0, -0.5, -1, -1]);
    const reward = createComponent("reward", "length_penalty", { maxLength: 10 });
    expect(await scoreOf(reward, ofLength(12))).toBeCloseTo(-0.2, 12);
  });

  it("counts tokens, or characters as readers do", async () => {
    const sample = { ...rewardSample("🙂🙂🙂"), completionIds: [1] };
    expect(await scoreOf(createComponent("reward", "length_penalty", { maxLength: 2 }), sample)).toBe(0);
    expect(await scoreOf(createComponent("reward", "length_penalty", { maxLength: 2, unit: "characters" }), sample)).toBe(-0.5);
  });
});

describe("overlong", () => {
  interface Tables {
    verl_dapo_manager: { max_resp_len: number; overlong_buffer_len: number; penalty_factor: number; response_length: number; penalty: number }[];
    trl_soft_overlong_punishment: { max_completion_len: number; soft_punish_cache: number; completion_length: number; penalty: number }[];
  }
  const { verl_dapo_manager: verl, trl_soft_overlong_punishment: trl } = readJson<Tables>("rewards/overlong.json");

  it(`is verl's penalty without a bound, on ${verl.length} cases`, async () => {
    expect(verl).toHaveLength(62);
    for (const one of verl) {
      const options = { maxLength: one.max_resp_len, buffer: one.overlong_buffer_len, factor: one.penalty_factor, bounded: false };
      expect(await scoreOf(createComponent("reward", "overlong", options), ofLength(one.response_length))).toBeCloseTo(one.penalty, 6);
    }
    expect(Math.min(...verl.map(({ penalty }) => penalty))).toBeLessThan(-1);
  });

  it(`is TRL's with one, on ${trl.length} cases`, async () => {
    expect(trl).toHaveLength(62);
    for (const one of trl) {
      const options = { maxLength: one.max_completion_len, buffer: one.soft_punish_cache };
      expect(await scoreOf(createComponent("reward", "overlong", options), ofLength(one.completion_length))).toBeCloseTo(one.penalty, 6);
    }
  });

  it("is bounded at its factor", () => {
    const options = { maxLength: 20, buffer: 5, factor: 0.5 };
    // over by 10 of 5: twice the factor, or the factor
    expect(overlongPenalty(25, { ...options, bounded: false })).toBe(-1);
    expect(overlongPenalty(25, { ...options, bounded: true })).toBe(-0.5);
  });

  it("refuses a buffer longer than the completion may be", () => {
    expect(() => createComponent("reward", "overlong", { maxLength: 10, buffer: 11 })).toThrow(/buffer.*may not exceed maxLength/);
  });
});

describe("TRL's think_format and repetition_penalty", () => {
  interface Tables {
    think_format_reward: { completion: string; reward: number }[];
    repetition_penalty_reward: { ngram_size: number; max_penalty: number; ids: number[]; reward: number }[];
  }
  const { think_format_reward: think, repetition_penalty_reward: repetition } = readJson<Tables>("rewards/trl.json");

  it(`think_format on ${think.length} cases`, async () => {
    expect(think).toHaveLength(11);
    for (const { completion, reward } of think) expect(await score("think_format", {}, completion)).toBe(reward);
  });

  it(`repetition_penalty on ${repetition.length} cases`, async () => {
    expect(repetition).toHaveLength(21);
    for (const { ngram_size, max_penalty, ids, reward } of repetition) {
      const options = { ngramSize: ngram_size, maxPenalty: max_penalty };
      const sample = { ...rewardSample(""), completionIds: ids };
      expect(await scoreOf(createComponent("reward", "repetition_penalty", options), sample)).toBeCloseTo(reward, 12);
    }
  });

  it("counts n-grams, not their digits", () => {
    expect(repetitionPenalty([1, 11, 11, 1], 2, -1)).toBe(0); // (1 11) (11 11) (11 1)
  });
});

rewardContract("format", { pattern: "^<answer>.*</answer>$" });
rewardContract("length_penalty", { maxLength: 10 });
rewardContract("length_penalty", { maxLength: 10, unit: "characters" });
rewardContract("overlong", { maxLength: 20, buffer: 5 });
rewardContract("overlong", { maxLength: 20, buffer: 5, bounded: false });
rewardContract("think_format");
rewardContract("repetition_penalty");
