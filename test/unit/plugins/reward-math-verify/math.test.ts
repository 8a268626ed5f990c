import { describe, expect, it } from "vitest";
import { RewardError, createComponent } from "@verlet/core";
import { finalAnswer, rightAnswers } from "@verlet/plugins/reward-math-verify";
import { rewardContract, rewardSample, scoreOf } from "../../../contracts/reward.js";
import { CASES } from "./cases.js";

const score = (completion: string, answer: unknown, options: Record<string, unknown> = {}, finished = true): Promise<number | null> =>
  scoreOf(createComponent("reward", "math", options), rewardSample(completion, { answer }, finished));

describe("math: the table of cases", () => {
  const all = Object.entries(CASES).flatMap(([category, { equal, different }]) => [
    ...equal.map(([answer, right]) => ({ category, answer, right, expected: 1 })),
    ...different.map(([answer, right]) => ({ category, answer, right, expected: 0 })),
  ]);

  it("is large, and every category has near misses", () => {
    expect(all.length).toBeGreaterThanOrEqual(500);
    expect(all.filter(({ expected }) => expected === 0).length).toBeGreaterThanOrEqual(240);
    expect(Object.values(CASES).every(({ equal, different }) => equal.length >= 4 && different.length >= 4)).toBe(true);
  });

  it.each(all)("$category: $answer beside $right is $expected", async ({ answer, right, expected }) => {
    expect(await score(`So it is \\boxed{${answer}}.`, right)).toBe(expected);
    expect(await score(`It follows.\nAnswer: ${answer}`, right)).toBe(expected);
  });

  it.each(all.filter(({ expected, answer }) => expected === 1 && answer.length > 0))("$category: $right is the answer to itself", async ({ right }) => {
    expect(await score(`\\boxed{${right}}`, right)).toBe(1);
  });
});

describe("math: where the answer stands", () => {
  it.each<[completion: string, answer: string, score: number]>([
    ["The answer is 42.", "42", 1],
    ["**Final Answer:** $\\frac{3}{4}$", "0.75", 1],
    ["The final answer is $\\boxed{\\frac{3}{4}}$. I hope it is correct.", "3/4", 1],
    ["Final Answer: The final answer is $42$. I hope it is correct.", "42", 1],
    ["The answer is\n\n$$x^2+1$$", "1+x^2", 1],
    ["The answer is $5 because 3+2=5", "5", 1],
    ["The answer to the question is 12.", "12", 1],
    ["answer：42", "42", 1],
    ["The correct option is **D**.", "D", 1],
    ["Therefore, the answer is (C).", "C", 1],
    ["Answer: 1\nAnswer: 2", "2", 1],
    ["Answer: 1\nAnswer: 2", "1", 0],
    ["48/2 = 24, 48+24 = 72\n#### 72", "72", 1],
    ["#### 5\n####\n", "5", 1],
    ["####42", "42", 1],
    ["\\boxed{1}, or rather \\boxed{2}", "2", 1],
    ["\\boxed{1}, or rather \\boxed{2}", "1", 0],
    ["\\fbox{3}", "3", 1],
    ["so \\boxed 4$", "4", 1],
    ["\\boxed{\\frac{1}{\\sqrt{2}}}", "\\frac{\\sqrt2}{2}", 1],
    ["\\boxed{\\{1,2\\}}", "\\{2,1\\}", 1],
    ["It goes into \\boxed. So \\boxed{7}.", "7", 1],
    ["Answer: 6 (wrong) \\boxed{5}", "5", 1],
    ["\\boxed{12", "12", 0],
    ["\\boxed{12} or \\boxed{13", "12", 0],
    ["x = 5", "5", 1],
    ["So $x = 5$.", "5", 1],
    ["Thus we find\n\\[ x = \\frac{1}{2} \\]", "1/2", 1],
    ["She pays $18 in total.", "18", 1],
    ["6 * 7 makes 42, of course", "42", 1],
    ["42, not 43, as you can see", "42", 0],
    ["### 12", "12", 1],
    ["Paris", "paris", 1],
    ["The capital is Paris", "Paris", 0],
    ["\\boxed{x = 5 \\text{ or } x = -3}", "-3, 5", 1],
    ["\\boxed{(-\\infty,-2]\\cup[3,\\infty)}", "x\\le-2 \\text{ or } x\\ge3", 1],
    ["\\boxed{x>1 \\text{ and } x<2}", "(1,2)", 1],
    ["\\boxed{x>1 \\text{ and } x<2}", "x>1 \\text{ or } x<2", 0],
    ["\\boxed{\\frac{1}{3} \\approx 0.333}", "1/3", 1],
    ["\\boxed{f^{-1}(x)=\\sqrt{4x-20}/2}", "\\sqrt{x-5}", 1],
    ["#### 42 ✅", "42", 1],
    ["", "42", 0],
    ["no number", "42", 0],
  ])("%j against %j is %d", async (completion, answer, expected) => {
    expect(await score(completion, answer)).toBe(expected);
  });

  it("takes the place it is told to", async () => {
    for (const [extract, found] of [["auto", "7"], ["marked", undefined], ["boxed", undefined]] as const) expect(finalAnswer("we get 7", extract)).toBe(found);
    for (const [extract, found] of [["auto", "7"], ["marked", "7"], ["boxed", undefined]] as const) expect(finalAnswer("Answer: 7", extract)).toBe(found);
    expect(await score("Answer: 7", "7", { extract: "boxed" })).toBe(0);
    expect(await score("\\boxed{7}", "7", { extract: "boxed" })).toBe(1);
    expect(await score("we get 7", "7", { extract: "marked" })).toBe(0);
  });

  it("looks behind the thoughts", async () => {
    expect(await score("<think>\\boxed{3}</think> The answer is 4", "4")).toBe(1);
    expect(await score("<think>\\boxed{3}</think> The answer is 4", "3")).toBe(0);
    expect(await score("\\boxed{3}</think> 4", "4")).toBe(1); // the template opened it
    expect(await score("<think>\\boxed{3}", "3")).toBe(0);
    expect(await score("<think>\\boxed{3}", "3", { afterThink: false })).toBe(1);
    expect(await score("<think>\\boxed{3}</think> The answer is 4", "3", { afterThink: false })).toBe(1);
  });

  it("asks for the stop token with requireStop", async () => {
    expect(await score("\\boxed{5}", "5", { requireStop: true }, false)).toBe(0);
    expect(await score("\\boxed{5}", "5", { requireStop: true }, true)).toBe(1);
    expect(await score("\\boxed{5}", "5", {}, false)).toBe(1);
  });
});

describe("math: the right answer", () => {
  it.each<[answer: unknown, completion: string]>([
    [42, "\\boxed{42}"],
    [0.5, "\\boxed{\\frac12}"],
    [1e21, "\\boxed{10^{21}}"],
    [1e-7, "\\boxed{10^{-7}}"],
    [0.1 + 0.2, "\\boxed{0.3}"],
    ["$\\frac{1}{2}$", "\\boxed{0.5}"],
    ["She sold 48/2 = 24.\n#### 72", "#### 72"],
    ["Adding them gives $\\boxed{x+1}$.", "\\boxed{1+x}"],
    [["one half", "1/2"], "\\boxed{0.5}"],
    [[7, "8"], "\\boxed{7}"],
    [[null, "8"], "\\boxed{8}"],
    ["Paris", "Answer: Paris"],
  ])("%j is answered by %j", async (answer, completion) => {
    expect(await score(completion, answer)).toBe(1);
    expect(await score("\\boxed{99}", answer)).toBe(0);
  });

  it.each([[""], ["  "], [null], [Number.NaN], [Number.POSITIVE_INFINITY], [true], [{ value: 42 }], [[]], [[null, ""]], ["-"], ["\\frac{1}{"], ["(1,2"]])("cannot be read from %j", async (answer) => {
    expect(rightAnswers(answer)).toEqual([]);
    expect(await score("\\boxed{42}", answer)).toBeNull();
    expect(await score("nothing", answer)).toBeNull();
  });

  it("is never null for what the model wrote", async () => {
    for (const completion of ["\\boxed{\\frac{1}{}", "\\boxed{}", "\\boxed{((1}", "\\boxed{\\int_0^1 x dx}", "\\boxed{?}"]) expect(await score(completion, "1/2")).toBe(0);
  });

  it("names the missing column", async () => {
    const reward = createComponent("reward", "math");
    const sample = { ...rewardSample("#### 5", { question: "q" }), answerColumn: "gold" };
    const scoring = (async () => reward.score!(sample, { options: {}, step: 0, signal: new AbortController().signal }))();
    await expect(scoring).rejects.toThrow(RewardError);
    await expect(scoring).rejects.toThrow('the row has no column "gold" with the answer: got columns question. Set data.columns.answer');
  });
});

describe("math: options", () => {
  it("allows a tolerance for decimals alone", async () => {
    expect(await score("\\boxed{0.33}", "1/3", { tolerance: 0.02 })).toBe(1); // off by 1/300 of 1/3: 1 %
    expect(await score("\\boxed{0.33}", "1/3", { tolerance: 0.009 })).toBe(0);
    expect(await score("\\boxed{3.14}", "\\pi", { tolerance: 1e-3 })).toBe(1); // off by 0.0016 of 3.1416: 5e-4
    expect(await score("\\boxed{101}", "100", { tolerance: 0.02 })).toBe(0);
    expect(await score("\\boxed{\\frac{101}{100}}", "1", { tolerance: 0.02 })).toBe(0);
    expect(await score("\\boxed{0.333333}", "1/3", { tolerance: 0 })).toBe(0);
    expect(await score("\\boxed{0.5}", "1/2", { tolerance: 0 })).toBe(1);
  });

  it("refuses options it does not know", () => {
    expect(() => createComponent("reward", "math", { tolerence: 1 })).toThrow(/tolerence/);
    expect(() => createComponent("reward", "math", { extract: "last" })).toThrow(/marked/);
    expect(() => createComponent("reward", "math", { tolerance: -1 })).toThrow(/tolerance/);
  });
});

rewardContract("math");
rewardContract("math", { extract: "boxed", requireStop: true });
rewardContract("math", {}, { answer: "x^2 + 1" });
rewardContract("math", {}, { answer: ["\\{1, 2\\}", "east"] });
