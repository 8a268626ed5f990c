import { describe, expect, it } from "vitest";
import { ANSWER_COLUMN, CONFIG, REWARDS, TOKENIZER, createComponent, createRunContainer, registerReward, registerRewardManager, registry } from "@verlet/core";
import type { ChatTokenizer, ConfiguredReward, Kind, Reward, RewardManager, Row, RunSections } from "@verlet/core";
import { fromComputeScore, verlManagerOptions, verlRewardManager } from "@verlet/data";
import type { ComputeScoreResult, RunComputeScore, VerlDataItem, VerlManagerClass, VerlScores } from "@verlet/data";
import { tf } from "@verlet/backend";
import "@verlet/plugins/reward-managers";
import { configured, createRewardManager, rollout, scoringContext } from "../../contracts/reward-manager.js";
import { rewardContract, rewardSample, scoreOf } from "../../contracts/reward.js";

/** A row as verl's data sets have them. */
const verlRow = (truth: unknown, source = "openai/gsm8k", more: Row = {}): Row => ({
  data_source: source,
  reward_model: { style: "rule", ground_truth: truth },
  extra_info: { index: 3, split: "train" },
  answer: "not this one",
  ...more,
});

/** Runs `body` with a part registered under a name that is free again afterwards. */
async function withPart<T>(kind: Kind, name: string, register: () => unknown, body: () => T | Promise<T>): Promise<T> {
  register();
  try {
    return await body();
  } finally {
    registry.remove(kind, name);
  }
}

describe("fromComputeScore", () => {
  const seen: unknown[][] = [];
  const spy = fromComputeScore<string>((...args) => (seen.push(args), args[1].endsWith(args[2]) ? 1 : 0));

  it.each<[string, Row, unknown[]]>([
    ["a row of verl's", verlRow("42"), ["openai/gsm8k", "it is 42", "42", { index: 3, split: "train" }]],
    ["a row with an answer column alone", { answer: "42" }, ["unknown", "it is 42", "42", {}]],
    ["dataSource in camel case", { answer: "42", dataSource: "aime" }, ["aime", "it is 42", "42", {}]],
    ["a ground truth that is empty", verlRow("", "a"), ["a", "it is 42", "", { index: 3, split: "train" }]],
  ])("hands over what it needs of %s", async (_, row, expected) => {
    seen.length = 0;
    expect(await scoreOf({ score: spy }, rewardSample("it is 42", row))).toBe(1);
    expect(seen).toEqual([expected]);
  });

  it("gives a copy of extra_info, so that a function that writes into it changes no row", async () => {
    const row = verlRow("1");
    const writer = fromComputeScore((_source, _solution, _truth, extraInfo) => ((extraInfo.index = "changed"), 1));
    await scoreOf({ score: writer }, rewardSample("x", row));
    expect(row.extra_info).toEqual({ index: 3, split: "train" });
  });

  it("says which column is missing where there is no right answer", async () => {
    await expect(scoreOf({ score: spy }, rewardSample("x", { question: "?" }))).rejects.toThrow('the row has no column "answer" with the answer');
  });

  it.each<[ComputeScoreResult, number | null]>([
    [0.5, 0.5],
    [true, 1],
    [false, 0],
    [null, null],
    [{ score: -1, acc: false, pred: "7" }, -1],
    [{ score: true }, 1],
    [{ score: null }, null],
  ])("%j is the score %j", async (result, expected) => {
    expect(await scoreOf({ score: fromComputeScore(() => result) }, rewardSample("x"))).toBe(expected);
    expect(await scoreOf({ score: fromComputeScore(async () => result) }, rewardSample("x"))).toBe(expected);
  });

  it("measures the numbers and booleans beside a score, by name", async () => {
    const judge: Reward = { score: fromComputeScore((_source, solution) => ({ score: 1, acc: solution === "a", tokens: 4, pred: "x", wrong: Number.NaN })) };
    const { metrics } = await createRewardManager("naive", [configured("judge", judge)]).score([rollout("a"), rollout("b")], scoringContext);
    expect(metrics).toEqual({
      "rewards/judge/mean": 1,
      "rewards/judge/std": 0,
      "rewards/judge/extra/acc": 0.5,
      "rewards/judge/extra/tokens": 4,
      reward: 1,
      reward_std: 0,
    });
  });

  it.each<[unknown, RegExp]>([
    [{ acc: true }, /\[reward judge\] computeScore returned a record without `score`, on sample 1 .*: got a mapping with acc/],
    ["1", /\[reward judge\] it returned something that is no score, on sample 1 .*: got a string/],
    [{ score: Number.NaN }, /it returned something that is no score.*: got NaN/],
  ])("refuses %j", async (result, words) => {
    const judge: Reward = { score: fromComputeScore(() => result as number) };
    await expect(createRewardManager("naive", [configured("judge", judge)]).score([rollout("a")], scoringContext)).rejects.toThrow(words);
  });

  registerReward("temporary/by-source")(fromComputeScore((source, solution, truth) => (source === "unknown" && solution.includes(String(truth)) ? 1 : 0)));
  rewardContract("temporary/by-source");
});

describe("verlRewardManager", () => {
  const tokenizer = { encode: (text: string) => [...text].map((c) => c.codePointAt(0)!), decode: (ids: readonly number[]) => String.fromCodePoint(...ids) } as unknown as ChatTokenizer;
  const config = { rollout: { maxNewTokens: 8 }, rewardManager: { name: "temporary-manager", options: { numExamine: 2 } } } as unknown as RunSections;

  function create(Class: VerlManagerClass, rewards: ConfiguredReward[] = [], options: object = {}): Promise<RewardManager> {
    const container = createRunContainer();
    container.register(TOKENIZER, { useValue: tokenizer });
    container.register(CONFIG, { useValue: config });
    container.register(REWARDS, { useValue: rewards });
    container.register(ANSWER_COLUMN, { useValue: "answer" });
    return withPart(
      "rewardManager",
      "temporary-manager",
      () => registerRewardManager("temporary-manager", { options: verlManagerOptions })(verlRewardManager(Class)),
      () => createComponent("rewardManager", "temporary-manager", options, container),
    );
  }
  /** A manager that returns what it is told to. */
  const returning = (value: unknown): VerlManagerClass => class Returning { call(): VerlScores { return value as VerlScores; } };
  const exact = configured("exact", { score: fromComputeScore<string>((_source, solution, truth) => ({ score: Number(solution === truth), acc: solution === truth })) });
  const length = configured("length", { scoreBatch: (samples) => samples.map(({ completionIds }) => completionIds.length) }, { weight: 0.5 });
  const batch = [rollout("42", verlRow("42")), rollout("7", verlRow("42", "aime")), rollout("5", { answer: "5" })];

  it("makes the class with tokenizer, numExamine, config and computeScore, and hands it VERL's fields", async () => {
    const made: unknown[] = [];
    const items: VerlDataItem[] = [];
    class Mine {
      constructor(...args: [ChatTokenizer, number, RunSections, RunComputeScore]) {
        made.push(...args);
      }
      call(data: readonly VerlDataItem[]): number[] {
        items.push(...data);
        return data.map(({ response, groundTruth }) => (response === groundTruth ? 1 : -1));
      }
    }
    const manager = await create(Mine, [], { numExamine: 2 });
    const { rollouts, metrics } = await manager.score(batch, scoringContext);
    expect(made).toEqual([tokenizer, 2, config, expect.any(Function)]);
    expect(items[0]).toEqual({
      batch: { prompts: [1, 2], responses: [52, 50] },
      nonTensorBatch: verlRow("42"),
      prompt: "What is 6 * 7?",
      response: "42",
      finished: true,
      dataSource: "openai/gsm8k",
      groundTruth: "42",
      extraInfo: { index: 3, split: "train" },
    });
    expect(items[2]).toMatchObject({ dataSource: "unknown", groundTruth: "5", extraInfo: {} });
    expect(rollouts.map(({ score, rewards }) => [score, rewards])).toEqual([[1, {}], [-1, {}], [1, {}]]);
    expect(metrics).toEqual({ reward: 1 / 3, reward_std: expect.closeTo(Math.sqrt(4 / 3), 12) as number });
  });

  it("computeScore is the weighted sum of the YAML's rewards, which are measured by row", async () => {
    class Mine {
      constructor(_tokenizer: ChatTokenizer, _numExamine: number, _config: RunSections, readonly computeScore: RunComputeScore) {}
      async score(data: readonly VerlDataItem[]): Promise<(number | null)[]> {
        const scores = [];
        for (const { dataSource, response, groundTruth, extraInfo } of data) scores.push(await this.computeScore(dataSource, response, groundTruth, extraInfo));
        return scores.map((score) => score! * 10);
      }
    }
    const { rollouts, metrics } = await (await create(Mine, [exact, length])).score(batch, scoringContext);
    // 1 + 0.5 · 2, 0 + 0.5 · 1, 1 + 0.5 · 1, times 10
    expect(rollouts.map(({ score, rewards }) => [score, rewards])).toEqual([[20, { exact: 1, length: 2 }], [5, { exact: 0, length: 1 }], [15, { exact: 1, length: 1 }]]);
    expect(metrics).toMatchObject({
      "rewards/exact/mean": 2 / 3,
      "rewards/exact/openai/gsm8k/mean": 1,
      "rewards/exact/aime/mean": 0,
      "rewards/exact/extra/acc": 2 / 3,
      "rewards/length/mean": 4 / 3,
      reward: 40 / 3,
    });
  });

  it("computeScore takes another text, another answer, and an extraInfo of its own", async () => {
    const answers: unknown[] = [];
    class Mine {
      constructor(_tokenizer: ChatTokenizer, _numExamine: number, _config: RunSections, readonly computeScore: RunComputeScore) {}
      async call([first]: readonly VerlDataItem[]): Promise<number[]> {
        const { dataSource, response, extraInfo } = first!;
        answers.push(await this.computeScore(dataSource, "the answer", "the answer", extraInfo)); // 1 + 0.5 · 10 characters
        answers.push(await this.computeScore(dataSource, response, "another", { index: 9 })); // 0 + 0.5 · 2
        answers.push(await this.computeScore("anything", "42", "42"));
        return [0];
      }
    }
    await (await create(Mine, [exact, length])).score([batch[0]!], scoringContext);
    expect(answers).toEqual([6, 1, 2]);
  });

  it("onError holds for computeScore: a failed reward stops the run, or is null", async () => {
    class Mine {
      constructor(_tokenizer: ChatTokenizer, _numExamine: number, _config: RunSections, readonly computeScore: RunComputeScore) {}
      call(data: readonly VerlDataItem[]): Promise<(number | null)[]> {
        return Promise.all(data.map(({ dataSource, response, groundTruth, extraInfo }) => this.computeScore(dataSource, response, groundTruth, extraInfo)));
      }
    }
    const failing: Reward = { score: ({ completion }) => { if (completion === "7") throw new Error("no judge"); return 1; } };
    const raise = (await create(Mine, [configured("judge", failing)])).score(batch, scoringContext);
    await expect(raise).rejects.toThrow(/\[reward judge\] it threw: no judge, on sample 1 with prompt "What is 6 \* 7\?" and completion "7"/);
    const { rollouts, metrics } = await (await create(Mine, [configured("judge", failing, { onError: "skip" })])).score(batch, scoringContext);
    expect(rollouts.map(({ score }) => score)).toEqual([1, null, 1]);
    expect(rollouts[1]!.failures!.judge).toContain("no judge");
    expect(metrics["rewards/judge/errors"]).toBe(1);
  });

  it.each<[string, unknown, (number | null)[]]>([
    ["numbers and nulls", [1, null, 0.5], [1, null, 0.5]],
    ["token rewards, of which each row's sum counts", [[0, 1], [0.5, 0.25, 0.25], []], [1, 1, 0]],
    ["a record", { rewardTensor: [1, 2, 3] }, [1, 2, 3]],
  ])("takes %s", async (_, value, expected) => {
    const { rollouts } = await (await create(returning(value))).score(batch, scoringContext);
    expect(rollouts.map(({ score }) => score)).toEqual(expected);
  });

  it("takes a tensor [B, C], disposes of it, and measures what comes with it", async () => {
    const before = tf.memory().numTensors;
    const rewardTensor = tf.tensor2d([[0, 1], [0, 0], [0.5, 0]]);
    const { rollouts, metrics } = await (await create(returning({ rewardTensor, rewardExtraInfo: { acc: [true, false, true], pred: ["a", "b", "c"] } }))).score(batch, scoringContext);
    expect(rollouts.map(({ score }) => score)).toEqual([1, 0, 0.5]);
    expect(metrics).toMatchObject({ reward: 0.5, "reward/extra/acc": 2 / 3 });
    expect(metrics).not.toHaveProperty("reward/extra/pred");
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, unknown, string]>([
    ["too few", [1, 2], "it returned the wrong number of scores: got 2, expected one finite number or null for each of 3 rows, or a list of numbers for each."],
    ["nothing", undefined, "it returned no scores: got nothing, expected"],
    ["NaN", [1, Number.NaN, 1], "it returned no score for row 2: got NaN, expected"],
    ["text among token rewards", [[1], ["x"], [1]], "it returned no score for row 2: got NaN, expected"],
  ])("refuses %s", async (_, value, words) => {
    await expect((await create(returning(value))).score(batch, scoringContext)).rejects.toThrow(`[reward manager Returning] ${words}`);
  });

  it("passes on what the class throws, and says what it lacks", async () => {
    class Throws { call(): number[] { throw new Error("broken"); } }
    await expect((await create(Throws)).score(batch, scoringContext)).rejects.toThrow("[reward manager Throws] it threw: broken. Correct the class.");
    class Empty {}
    await expect(create(Empty)).rejects.toThrow("[reward manager Empty] it is no VERL-style reward manager: got a class without call(data) or score(data). Add one of them.");
  });
});
