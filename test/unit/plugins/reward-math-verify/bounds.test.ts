import { describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import { finalAnswer, normalise, parseExpression, sameAnswer } from "@verlet/plugins/reward-math-verify";
import { rewardSample, scoreOf } from "../../../contracts/reward.js";

/** What takes exponential time, or numbers of millions of digits, where the work is not bounded. A test that does not end is one that fails. */
// prettier-ignore
const HOSTILE: readonly string[] = [
  "9^9^9^9", "9^{9^{9^{9}}}", "1e999999999", "10^{999999999}", "0^{-999999999}", "(-1)^{10^{400}}", "999999999!", "100!!!!!!", "500!^{500}", "\\binom{999999}{500000}", "2^{8000}\\cdot3^{5000}", `1/${"7^{2000}/".repeat(50)}1`,
  "(".repeat(5000), `${"(".repeat(5000)}1${")".repeat(5000)}`, `${"(".repeat(400)}1${")".repeat(400)}`, `${"\\frac{".repeat(100)}1${"}{2}".repeat(100)}`, `${"\\sqrt{".repeat(140)}2${"}".repeat(140)}`, "\\left(".repeat(150), "[".repeat(900), "\\lfloor ".repeat(100),
  "-".repeat(999), "2^".repeat(400), "x!".repeat(400), "\\sin".repeat(200), "|".repeat(900), "|x".repeat(400), "x=".repeat(400), "x<".repeat(400), "1,".repeat(500), "{1,".repeat(300), "5 or ".repeat(199), "\\pm".repeat(300), "\\pm 1,".repeat(100), "(\\pm 1,\\pm 1)\\cup".repeat(50),
  "1".repeat(999), "1".repeat(10_000), `0.${"3".repeat(990)}`, `0.${"12".repeat(400)}...`, `0.\\overline{${"9".repeat(900)}}`, `${"9".repeat(500)}/${"7".repeat(480)}`, "1,000".repeat(200), "1 000 ".repeat(160), "1e5".repeat(300), "0.(".repeat(200),
  "5 cm^2 ".repeat(140), `5 ${"cm^2 ".repeat(180)}!`, "x ".repeat(499), " ".repeat(10_000) + "x", "$".repeat(999), "$a".repeat(400), "\\text{".repeat(160), "\\begin{pmatrix}".repeat(60), `\\mathbb{R}\\setminus\\{${"1,".repeat(400)}1\\}`,
  "####".repeat(5000), "answer is ".repeat(5000), "answer ".repeat(10_000), "\\boxed{".repeat(5000), "\\boxed ".repeat(5000), `\\boxed${" ".repeat(50_000)}x`, "$x$".repeat(5000), "\\(".repeat(5000), "\\[".repeat(5000), "1 a".repeat(20_000), `answer${" ".repeat(20_000)}is`, `#### ${"5. ".repeat(3000)}`,
];

describe("math: bounded work", () => {
  it.each(HOSTILE.map((text) => [text.slice(0, 30), text.length, text] as const))("%s… of %d characters is wrong, wherever it stands", async (_, __, text) => {
    const reward = createComponent("reward", "math");
    for (const completion of [text, `\\boxed{${text}}`, `Answer: ${text}`]) {
      for (const answer of ["12345.75", "x^2+17y", "\\{17,19\\}", "(17,19)", "x<17"]) expect(await scoreOf(reward, rewardSample(completion, { answer }))).toBe(0);
    }
  });

  it.each(HOSTILE.map((text) => [text.slice(0, 30), text] as const))("%s… as the right answer", async (_, text) => {
    const reward = createComponent("reward", "math");
    expect([0, null]).toContain(await scoreOf(reward, rewardSample("\\boxed{12345.75}", { answer: text })));
  });

  it("compares what is too large to compute as text", () => {
    expect(sameAnswer("9^{9^{9}}", "9^{9^9}", 0)).toBe(true);
    expect(sameAnswer("9^{9^{9}}", "9^{9^8}", 0)).toBe(false);
    expect(sameAnswer(normalise("x".repeat(2000)), normalise("x".repeat(2000)), 0)).toBe(true);
    expect(sameAnswer(normalise("x".repeat(2000)), normalise("x".repeat(2001)), 0)).toBe(false);
  });

  it("reads a long completion to its end", () => {
    expect(finalAnswer(`${"Let x be 5, so that y is 6. ".repeat(10_000)}\nThe answer is 7`, "auto")).toBe("7");
  });
});

describe("parseExpression", () => {
  it.each(["", "+", "1 2", "x+", "2*", "^2", "_1", "(1", "1)", "(1]", "\\frac{1}", "\\frac{1}{", "\\foo{3}", "\\sin", "\\log_", "|x", "x=1", "x<1", "1,2", "\\int x", "\\sqrt", "\\sqrt[3", "a_", "…", "🙂"])("refuses %j", (text) => {
    expect(parseExpression(text)).toBeUndefined();
  });

  it("has a limit of length and one of depth", () => {
    const nested = (depth: number): string => `${"(".repeat(depth)}x${")".repeat(depth)}`;
    expect(parseExpression(nested(30))).toBeDefined();
    expect(parseExpression(nested(60))).toBeUndefined();
    expect(parseExpression("x+".repeat(150) + "x")).toBeDefined();
    expect(parseExpression("x+".repeat(250) + "x")).toBeUndefined();
  });
});
