import { describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import "@verlet/plugins/reward-math-verify";
import { rewardSample, scoreOf } from "../../../contracts/reward.js";
import { readJson } from "../../../helpers/fixtures.js";

const score = (completion: string, answer: string, options: Record<string, unknown> = {}): Promise<number | null> =>
  scoreOf(createComponent("reward", "math", options), rewardSample(completion, { answer }));

interface Verdict {
  completion: string;
  answer: string;
  peer: number | null;
}

/** Where `math` says otherwise than the peer: the case's number in its file, the score here, and why. */
type Exceptions = Readonly<Record<number, readonly [score: number | null, reason: string]>>;

function compare(cases: readonly Verdict[], exceptions: Exceptions, options: Record<string, unknown> = {}): void {
  it.each(cases.map((one, i) => ({ ...one, i })))("$i: $completion against $answer", async ({ completion, answer, peer, i }) => {
    const expected = exceptions[i] ? exceptions[i][0] : peer;
    if (exceptions[i]) expect(expected).not.toBe(peer);
    expect(await score(completion, answer, options)).toBe(expected);
  });
}

describe("math beside verl's GSM8K scorer", () => {
  interface Found {
    score: number;
  }
  const { cases } = readJson<{ cases: { solution: string; ground_truth: string; strict: Found; flexible: Found }[] }>("rewards/gsm8k.json");
  // The peer compares strings: after #### (strict) or the last number (flexible); here either counts as its yes.
  compare(
    cases.map(({ solution, ground_truth, strict, flexible }) => ({ completion: solution, answer: ground_truth, peer: Math.max(strict.score, flexible.score) })),
    {
      3: [1, "3.50 is 3.5"],
      7: [1, "the full stop ends the sentence"],
      20: [1, "007 is 7"],
      23: [null, "a right answer of - cannot be read"],
      24: [1, "the full stop ends the sentence"],
      26: [0, "a-3 is no -3: the peer reads the minus between two terms as a sign"],
      28: [0, "10-3 is 7, not -3: as above"],
      30: [1, "the whole completion is searched, not its last 300 characters"],
      34: [0, "1e5 is not 1: the peer stops at the e"],
      37: [0, "2/3 is not 2: the peer stops at the slash"],
    },
  );
});

describe("math beside verl's MATH scorer", () => {
  const { cases } = readJson<{ cases: { solution: string; ground_truth: string; score: number }[] }>("rewards/math_boxed.json");
  compare(
    cases.map(({ solution, ground_truth, score: peer }) => ({ completion: solution, answer: ground_truth, peer })),
    {
      6: [1, "0.50 is 1/2"],
      10: [1, "xyz = 5 names what was asked for; the peer takes away names of two letters at most"],
      23: [1, "\\fbox is a box"],
      28: [1, "1,000 is 1000"],
      31: [null, "an empty right answer cannot be read"],
      37: [1, "5.0 is 5"],
      38: [1, "2/4 is 1/2"],
    },
    { extract: "boxed" },
  );
});

describe("math beside verl's DAPO scorer", () => {
  interface Judged {
    acc: boolean;
  }
  const { cases } = readJson<{ cases: { solution: string; ground_truth: string; default: Judged; strict_box: Judged }[] }>("rewards/math_dapo.json");
  // Its two modes are two places of the answer; here either counts as its yes.
  compare(
    cases.map((one) => ({ completion: one.solution, answer: one.ground_truth, peer: Number(one.default.acc || one.strict_box.acc) })),
    {
      9: [1, "the box counts wherever it stands, not in the last 100 characters alone"],
      18: [1, "a bare number is an answer"],
      22: [1, "3.0 is 3"],
      24: [1, "the mark counts wherever it stands, not in the last 300 characters alone"],
    },
  );
});

describe("math beside math-verify (TRL's accuracy reward)", () => {
  const { accuracy_reward_math_verify: cases } = readJson<{ accuracy_reward_math_verify: { completion: string; solution: string; reward: number | null }[] }>("rewards/trl.json");
  compare(
    cases.map(({ completion, solution, reward }) => ({ completion, answer: solution, peer: reward })),
    {
      4: [1, "a bare number is an answer"],
      5: [1, "so is a formula"],
      7: [0, "words can be a right answer: they are compared as text"],
    },
  );
});
