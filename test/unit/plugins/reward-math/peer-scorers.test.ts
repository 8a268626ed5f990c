import { describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import { boxedContent, cosineScaled, extractGsm8k, judgeDapo, lastBoxed, normalizeDapo, normalizeMath } from "@verlet/plugins/reward-math";
import { rewardContract, rewardSample, scoreOf } from "../../../contracts/reward.js";
import { readJson } from "../../../helpers/fixtures.js";

const score = (name: string, options: Record<string, unknown>, completion: string, answer: unknown): Promise<number | null> =>
  scoreOf(createComponent("reward", name, options), rewardSample(completion, { answer }));

describe("gsm8k as verl's scorer", () => {
  interface Found {
    extracted: string | null;
    score: number;
    score_with_format: number;
  }
  const { cases } = readJson<{ cases: { solution: string; ground_truth: string; strict: Found; flexible: Found }[] }>("rewards/gsm8k.json");

  it(`gives verl's answer and scores on ${cases.length} cases`, async () => {
    expect(cases).toHaveLength(39);
    for (const { solution, ground_truth, ...expected } of cases) {
      for (const method of ["strict", "flexible"] as const) {
        expect(extractGsm8k(solution, method) ?? null).toBe(expected[method].extracted);
        expect(await score("gsm8k", { method }, solution, ground_truth)).toBe(expected[method].score);
        expect(await score("gsm8k", { method, formatScore: 0.1 }, solution, ground_truth)).toBe(expected[method].score_with_format);
      }
    }
  });
});

describe("math_boxed as verl's MATH scorer", () => {
  interface Case {
    solution: string;
    ground_truth: string;
    last_boxed: string | null;
    extracted: string | null;
    normalized: string | null;
    normalized_ground_truth: string;
    score: number;
  }
  const { cases } = readJson<{ cases: Case[] }>("rewards/math_boxed.json");

  it(`finds, normalises and scores ${cases.length} cases`, async () => {
    expect(cases).toHaveLength(39);
    for (const one of cases) {
      const boxed = lastBoxed(one.solution);
      const content = boxed === undefined ? undefined : boxedContent(boxed);
      expect([boxed ?? null, content ?? null]).toEqual([one.last_boxed, one.extracted]);
      expect(content === undefined ? null : normalizeMath(content)).toBe(one.normalized);
      expect(normalizeMath(one.ground_truth)).toBe(one.normalized_ground_truth);
      expect(await score("math_boxed", {}, one.solution, one.ground_truth)).toBe(one.score);
    }
  });
});

describe("math_dapo as verl's DAPO scorer", () => {
  interface Judged {
    score: number;
    acc: boolean;
    pred: string | null;
  }
  interface Case {
    solution: string;
    ground_truth: string;
    default: Judged;
    strict_box: Judged;
    normalized_ground_truth: string;
  }
  const { cases } = readJson<{ cases: Case[] }>("rewards/math_dapo.json");

  it(`judges ${cases.length} cases`, async () => {
    expect(cases).toHaveLength(25);
    for (const one of cases) {
      for (const [expected, strictBox] of [[one.default, false], [one.strict_box, true]] as const) {
        expect(judgeDapo(one.solution, one.ground_truth, strictBox)).toEqual({ correct: expected.acc, prediction: expected.pred });
        expect(await score("math_dapo", { strictBox }, one.solution, one.ground_truth)).toBe(expected.score);
      }
      expect(normalizeDapo(one.ground_truth)).toBe(one.normalized_ground_truth);
    }
  });
});

describe("cosine_scaled as TRL's reward", () => {
  interface Case {
    max_len: number;
    correct: boolean;
    completion_length: number;
    reward: number;
  }
  const { cosine_scaled_reward: cases } = readJson<{ cosine_scaled_reward: Case[] }>("rewards/trl.json");

  it(`gives TRL's numbers on ${cases.length} cases`, async () => {
    expect(cases).toHaveLength(12);
    for (const { max_len, correct, completion_length, reward } of cases) {
      const sample = { ...rewardSample(correct ? "#### 42" : "#### 41"), completionIds: new Array<number>(completion_length).fill(1) };
      const got = await scoreOf(createComponent("reward", "cosine_scaled", { maxLength: max_len }), sample);
      expect(got).toBeCloseTo(reward, 6);
    }
  });

  it("goes along half a cosine", () => {
    // cos 0 = 1, cos(π/3) = 1/2, cos(π/2) = 0, cos π = -1
    expect([0, 10, 15, 30, 99].map((length) => cosineScaled(length, 30, { short: 2, long: 0 }))).toEqual([
      2, expect.closeTo(1.5), expect.closeTo(1), 0, 0,
    ]);
  });

  it("cannot score what accuracy cannot", async () => {
    expect(await score("cosine_scaled", { maxLength: 10 }, "#### 1", "")).toBeNull();
  });
});

rewardContract("gsm8k");
rewardContract("gsm8k", { method: "flexible" });
rewardContract("math_boxed");
rewardContract("math_dapo");
rewardContract("math_dapo", { strictBox: true });
rewardContract("cosine_scaled", { maxLength: 100 });
