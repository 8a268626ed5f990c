import { join } from "node:path";
import {
  createAccuracyReward, createCombinedReward, createLengthPenaltyReward, createStepReward, evaluateRewards, MathRewardFunction, type RewardColumns,
} from "@verlet/agents";
import { createComponent, registry, type RewardSample } from "@verlet/core";
import { loadPlugins } from "@verlet/config";
import { rewardContract } from "@verlet/testing";
import { describe, expect, test } from "vitest";
import { output } from "../cli/run-cli.js";

const right = (text: string): string => `${text}Final Answer: 72`;

describe("MathRewardFunction", () => {
  const reward = new MathRewardFunction();

  test.each([
    ["Final Answer: 72", "72"],
    ["final answer:  x = 5 \nFinal Answer: 6", "x = 5"],
    ["so\n#### 18", "18"],
    ["答案是：12", "12"],
    ["答案: 7", "7"],
    ["Therefore, the answer is 9", "9"],
    ["1 and 2\nthen 3.5, 4\nno number", "4"],
    ["it is -3", "-3"],
    ["#### 1\nFinal Answer: 2", "2"],
    ["no number at all", undefined],
    ["", undefined],
  ])("finds in %j", (text, found) => expect(reward.extractAnswer(text)).toBe(found));

  test.each([
    ["72", "72.0", true],
    ["$1,200", "1200", true],
    ["50%", "50", true],
    ["72.00005", "72", true],
    ["72.001", "72", false],
    ["about 72 clips", "72", true],
    ["Paris", "paris", true],
    ["Paris", "72", false],
    ["", "72", false],
  ])("compares %j with %j", (found, truth, same) => expect(reward.compareAnswers(found, truth)).toBe(same));

  test("scores a list; a row without an answer cannot be scored", () => {
    expect(reward.call(["Final Answer: 72", "73", "72"], { ground_truth: ["72", "72", null] })).toEqual([1, 0, null]);
    expect(new MathRewardFunction({ tolerance: 2 }).call(["73"], { groundTruth: [72] })).toEqual([1]);
  });

  test("is subclassed", () => {
    class Last extends MathRewardFunction {
      override extractAnswer(text: string): string | undefined {
        return text.split(" ").at(-1);
      }
    }
    const last = new Last();
    expect([last.call(["Final Answer: 1 or 2"], { ground_truth: ["2"] }), last.parts, reward.parts?.[0]!.name]).toEqual([[1], undefined, "agents/accuracy"]);
  });

  test("wrong input", () => {
    expect(() => reward.call(["1"], {})).toThrow("[ground_truth] there is nothing to compare with (ground_truth必须在数据集中提供): got columns none, expected a column ground_truth.");
    expect(() => reward.call(["1", "2"], { ground_truth: ["1"] })).toThrow("the lists differ in length: got 1 answers for 2 completions");
    expect(() => new MathRewardFunction({ tolerance: -1 })).toThrow("[MathRewardFunction] tolerance: got -1, expected a number from 0 on.");
  });
});

describe("formulas", () => {
  const columns = (count: number): RewardColumns => ({ ground_truth: new Array<string>(count).fill("72") });
  const score = async (reward: { call(texts: string[], columns: RewardColumns): unknown }, ...texts: string[]): Promise<unknown> => reward.call(texts, columns(texts.length));
  const long = right("x".repeat(484)); // 500 characters
  const wrong = "Final Answer: 73".padEnd(500, ".");

  test.each([
    ["target", 200, 0.001, [0.7, 0]], // 1 − 0.001 · (500 − 200), the chapter's example; nothing off a wrong one
    ["excess", 200, 0.1, [0.85, 0]], // 1 − 0.1 · 300 / 200; never below 0
    ["linear", 200, 0.001, [0.5, -0.5]], // r − 0.001 · 500
    ["relative", 200, 0.001, [0.9975, -0.0025]], // r − 0.001 · 500 / 200
  ] as const)("length: %s", async (variant, maxLength, penaltyWeight, expected) => {
    const scores = (await score(createLengthPenaltyReward(createAccuracyReward(), { variant, penaltyWeight, ...(variant !== "linear" && { maxLength }) }), long, wrong)) as number[];
    expected.forEach((value, i) => expect(scores[i]).toBeCloseTo(value, 10));
  });

  test("length: none at the limit, characters and not UTF-16 units", async () => {
    expect(await score(createLengthPenaltyReward(undefined, { maxLength: 17, penaltyWeight: 1 }), right("𝑥"))).toEqual([1]);
  });

  test.each([
    ["correct", [1.3, 0, 1.2]],
    ["lines", [1.3, 0.5, 1.2]], // at most 0.5
    ["formula", [1.3, 0.6, 1.2]],
  ] as const)("step: %s", async (variant, expected) => {
    const texts = [right("Step 1: a\nStep 2: b\nStep 3: c\n"), `1\n2\n3\n4\n5\n6\n7`, right("a\nb\n")];
    const scores = (await score(createStepReward(createAccuracyReward(), { variant }), ...texts)) as number[];
    expected.forEach((value, i) => expect(scores[i]).toBeCloseTo(value, 10));
  });

  test("step: numbered ones count, or else line breaks", async () => {
    const { countSteps } = await import("@verlet/agents");
    expect(["", "a", "a\nb", "Step 1: a b\nc\nd", "步骤1：甲\n步骤2：乙\n\n答案", "第一步 甲\n第二步 乙", "1. a\n2. b\n3) c"].map(countSteps)).toEqual([0, 0, 1, 1, 2, 2, 3]);
  });

  test("combined: the weighted sum; what cannot be scored counts for nothing", async () => {
    const half = (texts: readonly string[]): (number | null)[] => texts.map((text) => (text.includes("?") ? null : 0.5));
    const none = (texts: readonly string[]): null[] => texts.map(() => null);
    const combined = createCombinedReward([{ reward: createAccuracyReward() }, { reward: half, weight: 2 }, { reward: none }]);
    expect(await combined.call([right(""), right("?")], columns(2))).toEqual([2, 1]);
    expect(await createCombinedReward([{ reward: none }]).call(["a"], {})).toEqual([null]);
    expect(combined.parts).toBeUndefined();
    expect(createCombinedReward([{ reward: createAccuracyReward() }, { reward: createStepReward(), weight: 0.3 }]).parts).toMatchObject([{ name: "agents/accuracy", weight: 1 }, { name: "agents/step", weight: 0.3 }]);
    expect(() => createCombinedReward([])).toThrow("[createCombinedReward] there are no components: got an empty list");
  });

  test("any base", async () => {
    const base = (texts: readonly string[]): number[] => texts.map(() => 0.8);
    expect(await createLengthPenaltyReward(base, { maxLength: 1, penaltyWeight: 0.1 }).call(["abc"], {})).toEqual([0.6000000000000001]);
  });

  test("wrong options", () => {
    expect(() => createLengthPenaltyReward(undefined, { variant: "longer" as never })).toThrow('[createLengthPenaltyReward] variant: got "longer", expected one of target, excess, linear, relative.');
    expect(() => createStepReward(undefined, { bonus: 1 } as never)).toThrow("[createStepReward] unknown option: got `bonus`");
    expect(() => createStepReward(createAccuracyReward(), { tolerance: 1 })).toThrow("[createStepReward] tolerance: got 1 beside a base reward, expected it in the base.");
  });
});

describe("evaluateRewards", () => {
  test("measures what is there", async () => {
    expect(await evaluateRewards(["72", "73", "72", "0"], ["72", "72", "72", ""])).toEqual({ meanReward: 2 / 3, maxReward: 1, minReward: 0, accuracy: 2 / 3, numSamples: 4, unscored: 1 });
    expect(await evaluateRewards(["a"], ["b"], async (texts) => texts.map(() => 0.6))).toMatchObject({ meanReward: 0.6, accuracy: 1 });
  });
  test("wrong input", async () => {
    await expect(evaluateRewards(["1"], [])).rejects.toThrow("[evaluateRewards] the lists differ in length: got 0 answers for 1 completions, expected one answer a completion.");
    await expect(evaluateRewards(["1"], [""])).rejects.toThrow("no completion could be scored");
    await expect(evaluateRewards(["1"], ["1"], () => [])).rejects.toThrow("the reward returned another number of scores: got 0, expected 1");
  });
});

describe("as rewards of verlet", () => {
  const sample = (completion: string, row: Record<string, unknown>): RewardSample => ({ prompt: "", completion, messages: [], completionIds: [1], finished: true, row, answer: row.answer });
  const context = { options: {}, step: 0, signal: new AbortController().signal };

  test("a YAML finds them in the package", async () => {
    const [plugin] = await loadPlugins(["@verlet/agents/rewards"], join(import.meta.dirname, "../../.."));
    expect(plugin!.entries.map(({ name }) => name)).toEqual(["agents/accuracy", "agents/length_penalty", "agents/step"]);
    expect(registry.get("reward", "agents/step").source).toMatch(/packages\/agents\/dist\/rewards\/register\.js$/);
  });

  test("so does the command line, in a process of its own", async () => {
    expect(await output(["explain", "reward", "agents/step", "--plugins", "@verlet/agents/rewards"])).toContain("stepBonus");
  });

  test("they score samples, whatever the answer's column is called", async () => {
    const accuracy = createComponent("reward", "agents/accuracy");
    const rows = [{ answer: "72" }, { ground_truth: "72" }, { reward_model: { ground_truth: "73" } }];
    expect(await accuracy.scoreBatch!(rows.map((row) => sample("#### 72", row)), context)).toEqual([1, 1, 0]);
    await expect(accuracy.scoreBatch!([sample("1", {})], context)).rejects.toThrow("ground_truth必须在数据集中提供");
  });

  for (const name of ["agents/accuracy", "agents/length_penalty", "agents/step"]) rewardContract(name);
});
