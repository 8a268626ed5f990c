import { describe, expect, it } from "vitest";
import { RewardError, createComponent } from "@verlet/core";
import { extractAnswer, firstNumber, lastNumber, parseNumber } from "@verlet/plugins/reward-math";
import { rewardContract, rewardSample, scoreOf } from "../../../contracts/reward.js";
import { readJson } from "../../../helpers/fixtures.js";

const score = (completion: string, answer: unknown, options: Record<string, unknown> = {}, finished = true): Promise<number | null> =>
  scoreOf(createComponent("reward", "accuracy", options), rewardSample(completion, { answer }, finished));

describe("accuracy", () => {
  it.each<[completion: string, answer: unknown, score: number, why: string]>([
    ["7+8=15, 4+3=7, 7+1=8 #### 85", "85", 1, "GSM8K's form"],
    ["7+8=15, 4+3=7 #### 75", "85", 0, "another number"],
    ["#### 1\n#### 2", "2", 1, "the last of two"],
    ["#### 1 #### 2", "2", 1, "the last of two on one line"],
    ["#### 5\n####\n", "5", 1, "a mark with nothing behind it does not count"],
    ["####42", 42, 1, "no blank, and a number as answer"],
    ["#### $1,234.50 in total", "1234.5", 1, "currency, thousands and words"],
    ["#### 42.", "42", 1, "the sentence's full stop"],
    ["#### -3", "-3", 1, "negative"],
    ["#### \u22123", "-3", 1, "a typographic minus"],
    ["#### ４２", "42", 1, "full-width digits"],
    ["#### x = 5 apples", "5", 1, "behind the equals sign"],
    ["#### 12%", "12", 1, "per cent as written"],
    ["#### 1e3", "1000", 1, "scientific"],
    ["#### \\frac{3}{4}", "0.75", 1, "a LaTeX fraction"],
    ["#### 3/4", "\\frac34", 1, "a fraction in another spelling"],
    ["#### 3/4", "\\frac{3}{4}", 1, "a fraction"],
    ["#### 42 #### no idea", "42", 0, "a later answer without a number"],
    ["Final Answer: 42", "42", 1, "the words"],
    ["**Final answer:** 42", "42", 1, "the words in bold"],
    ["**Final Answer**: $42$.", "42", 1, "bold words and a math span"],
    ["the final answer is: \\(42\\)", "42", 1, "another math span"],
    ["Final Answer: The final answer is $42$. I hope it is correct.", "42", 1, "a whole sentence"],
    ["final answer：42", "42", 1, "a full-width colon"],
    ["Final Answer: \\boxed{42}", "42", 1, "boxed behind the words"],
    ["so \\boxed{1} or rather \\boxed{42}", "42", 1, "the last box"],
    ["\\boxed{\\frac{1}{2}}", "0.5", 1, "nested braces"],
    ["6 * 7 makes 42, of course", "42", 1, "the last number"],
    ["42, not 43", "42", 0, "only the last number"],
    ["10-3", "3", 1, "a minus between numbers is an operator"],
    ["about 7,", "7", 1, "a comma behind the number"],
    ["#### 7 because 9", "7", 1, "the mark goes before the last number"],
    ["Final Answer: 8\n#### 7", "8", 0, "#### goes before the words"],
    ["", "42", 0, "nothing"],
    ["no digits", "42", 0, "no number"],
    ["#### Paris", "paris", 1, "a text without regard to case"],
    ["Final Answer: New  York.", "New York", 1, "a text without regard to blanks"],
    ["#### London", "Paris", 0, "another text"],
    ["\\boxed{\\dfrac12 x}", "\\frac{1}{2}x", 1, "LaTeX in another spelling"],
    ["#### 72", "She sold 48/2 = 24.\n48+24 = 72\n#### 72", 1, "an answer column with a whole solution"],
    ["#### 5", "Working.\n\nFinal Answer: 5", 1, "the same with the words"],
    ["#### 1234", "1,234", 1, "thousands in the answer"],
    ["#### 12,34", "1234", 0, "no thousands separator"],
  ])("%j against %j is %d: %s", async (completion, answer, expected) => {
    expect(await score(completion, answer)).toBe(expected);
  });

  it("allows the tolerance, relative to answers above 1", async () => {
    expect(await score("#### 0.33334", "0.3333333")).toBe(1); // off by 7e-6
    expect(await score("#### 0.3335", "0.3333333")).toBe(0); // off by 1.7e-4
    expect(await score("#### 100005", "100000")).toBe(1); // 5 of 100000 is 5e-5
    expect(await score("#### 100020", "100000")).toBe(0); // 2e-4
    expect(await score("#### 100005", "100000", { tolerance: 0 })).toBe(0);
    expect(await score("#### 3.1", "3", { tolerance: 0.05 })).toBe(1); // 0.1 <= 0.05 * 3
  });

  it("takes the form it is told to", async () => {
    const text = "#### 1\nFinal Answer: 2\n\\boxed{3}\nor 4";
    const right = { auto: "1", hash: "1", "final-answer": "2", boxed: "3", "last-number": "4" };
    for (const [extract, answer] of Object.entries(right)) expect(await score(text, answer, { extract })).toBe(1);
    expect(await score("the answer is 4", "4", { extract: "hash" })).toBe(0);
  });

  it("asks for the stop token with requireStop", async () => {
    expect(await score("#### 5", "5", { requireStop: true }, true)).toBe(1);
    expect(await score("#### 5", "5", { requireStop: true }, false)).toBe(0);
    expect(await score("#### 5", "5", {}, false)).toBe(1);
  });

  it.each([[""], ["  "], [null], [Number.NaN], [["42"]], [{ value: 42 }], [true]])("cannot score against the answer %j", async (answer) => {
    expect(await score("#### 42", answer)).toBeNull();
  });

  it("names the missing column", async () => {
    const reward = createComponent("reward", "accuracy");
    const sample = { ...rewardSample("#### 5", { question: "q", solution: "s" }), answerColumn: "gold" };
    const scoring = (async () => reward.score!(sample, { options: {}, step: 0, signal: new AbortController().signal }))();
    await expect(scoring).rejects.toThrow(RewardError);
    await expect(scoring).rejects.toThrow('the row has no column "gold" with the answer: got columns question, solution. Set data.columns.answer');
  });

  it("refuses options it does not know", () => {
    expect(() => createComponent("reward", "accuracy", { tolerence: 1 })).toThrow(/tolerence/);
    expect(() => createComponent("reward", "accuracy", { extract: "last" })).toThrow(/last-number/);
  });

  it("agrees with math-verify on fractions and boxes", async () => {
    const { accuracy_reward_math_verify: cases } = readJson<{ accuracy_reward_math_verify: { completion: string; solution: string; reward: number | null }[] }>("rewards/trl.json");
    // The rest needs symbolic algebra (\sqrt{8} = 2\sqrt{2}) or is about LaTeX alone being accepted.
    for (const { completion, solution, reward } of cases.slice(0, 4)) expect(await score(completion, solution)).toBe(reward);
  });
});

describe("numbers", () => {
  it.each<[string, number | undefined]>([
    ["1,234,567.5", 1234567.5],
    ["12,34", undefined],
    ["+7", 7],
    [".5", 0.5],
    ["5.", 5],
    ["-\\frac{1}{4}", -0.25],
    ["\\dfrac{-1}{4}", -0.25],
    ["1/0", undefined],
    ["\\$5", 5],
    ["2\\!000", 2000],
    ["1.2.3", undefined],
    ["", undefined],
    ["-", undefined],
    [".", undefined],
    ["e5", undefined],
    ["1e999", undefined],
    ["five", undefined],
  ])("parses %j as %s", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it("finds the first and the last", () => {
    expect(firstNumber("a-3 and 4")).toBe(3);
    expect(firstNumber("from -3 to 4")).toBe(-3);
    expect(lastNumber("1, 2, 3,")).toBe("3");
    expect(lastNumber("it is 3/4.")).toBe("3/4");
    expect(lastNumber("none")).toBeUndefined();
  });
});

describe("extractAnswer", () => {
  it("unwraps emphasis, math spans and full stops", () => {
    expect(extractAnswer("#### **`42`**.", "hash")).toBe("42");
    expect(extractAnswer("Final Answer: $x^2$", "final-answer")).toBe("x^2");
    expect(extractAnswer("Final Answer: **\n", "final-answer")).toBeUndefined();
    expect(extractAnswer("\\boxed{a{b}c}", "boxed")).toBe("a{b}c");
    expect(extractAnswer("\\boxed{open", "boxed")).toBeUndefined();
  });
});

rewardContract("accuracy");
rewardContract("accuracy", { extract: "boxed", requireStop: true });
rewardContract("accuracy", {}, { answer: "Paris" });
