import { describe, expect, it } from "vitest";
import { RewardError, createComponent, registerReward, registry } from "@verlet/core";
import type { ConfiguredReward, Reward, RewardFn, Rollout, Row } from "@verlet/core";
import { setPlace } from "@verlet/data";
import "@verlet/plugins/reward-managers";
import "@verlet/plugins/reward-math";
import { configured, createRewardManager, rewardManagerContract, rollout, scoringContext } from "../../../contracts/reward-manager.js";
import { readJson } from "../../../helpers/fixtures.js";

rewardManagerContract("naive");
rewardManagerContract("batch");
rewardManagerContract("prime");

const managers = ["naive", "batch", "prime"] as const;
const score = (manager: string, rewards: ConfiguredReward[], rollouts: Rollout[], options = {}) =>
  createRewardManager(manager, rewards, options).score(rollouts, scoringContext);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("TRL's recorded GRPO run", () => {
  interface RunFile {
    reward_functions: string[];
    generations: { rows: Row[]; completions: string[]; rewards_per_function: number[][] }[];
    steps: { metrics: Record<string, number> }[];
  }
  const { reward_functions: names, generations, steps } = readJson<RunFile>("training/grpo/run.json");

  it("has the same metrics", async () => {
    for (const [g, { rows, completions, rewards_per_function }] of generations.entries()) {
      const rewards = names.map((name, k) => configured(name, { scoreBatch: () => rewards_per_function.map((row) => row[k]!) }));
      const { metrics } = await score("batch", rewards, completions.map((completion, i) => rollout(completion, rows[i])));
      const logged = Object.entries(steps[2 * g]!.metrics).filter(([name]) => name.startsWith("reward")); // two updates a generation
      expect(logged).toHaveLength(8); // mean and std of three rewards and of their sum
      for (const [name, value] of logged) expect(metrics[name], name).toBeCloseTo(value, 6);
    }
  });

  it("has the same scores for right answers by our accuracy", async () => {
    for (const { rows, completions, rewards_per_function } of generations) {
      const accuracy = configured("accuracy", createComponent("reward", "accuracy"));
      const { rollouts } = await score("naive", [accuracy], completions.map((completion, i) => rollout(completion, rows[i])));
      expect(rollouts.map((one) => one.score)).toEqual(rewards_per_function.map((row) => row[0]));
    }
  });
});

describe.each(managers)("what may go wrong with a reward, under %s", (manager) => {
  const row = { question: "q", answer: "42" };
  setPlace(row, "train.jsonl:17");
  const batch = [rollout("fine", row), rollout("bad completion", row), rollout("fine", row)];
  const onBad = (value: unknown): RewardFn => ((sample) => (sample.completion === "fine" ? 1 : value)) as RewardFn;
  const at = 'sample 2 (train.jsonl:17) with prompt "What is 6 * 7?" and completion "bad completion"';

  it.each<[string, unknown, string]>([
    ["NaN", Number.NaN, "got NaN"],
    ["Infinity", Infinity, "got Infinity"],
    ["a string", "1", "got a string"],
    ["undefined", undefined, "got undefined"],
    ["a boolean", true, "got a boolean"],
    ["an object", { score: 1 }, "got an object"],
  ])("names reward and sample for %s", async (_, value, got) => {
    const expected = `[reward bad] it returned something that is no score, on ${at}: ${got}, expected a finite number, or null for a sample that cannot be scored. Correct the reward, or set onError: skip`;
    for (const reward of [{ score: onBad(value) }, { scoreBatch: (samples) => samples.map((sample) => onBad(value)(sample, { options: {}, ...scoringContext })) } as Reward]) {
      const scoring = score(manager, [configured("bad", reward)], batch);
      await expect(scoring).rejects.toThrow(RewardError);
      await expect(scoring).rejects.toThrow(expected);
    }
  });

  it.each<[string, RewardFn]>([
    ["throws", ({ completion }) => { if (completion !== "fine") throw new Error("no such judge"); return 1; }],
    ["rejects", async ({ completion }) => { await wait(1); if (completion !== "fine") throw new Error("no such judge"); return 1; }],
  ])("passes on the words of one that %s", async (_, fn) => {
    const error = await score(manager, [configured("judge", { score: fn })], batch).catch((caught: unknown) => caught as RewardError);
    expect(error).toBeInstanceOf(RewardError);
    expect((error as RewardError).message).toContain(`[reward judge] it threw: no such judge, on ${at}.`);
    expect(((error as RewardError).cause as Error).message).toBe("no such judge");
  });

  it("ends the waiting for one that hangs, and tells it so", async () => {
    const reasons: unknown[] = [];
    const hang: RewardFn = (_, { signal }) => {
      signal.addEventListener("abort", () => reasons.push((signal.reason as Error).message));
      return new Promise(() => {});
    };
    const start = performance.now();
    await expect(score(manager, [configured("slow", { score: hang }, { timeout: 0.05 })], batch)).rejects.toThrow(
      /\[reward slow\] it took too long, on sample 1 .*: got no result after 0\.05 s\. Raise its timeout, make it faster, or set onError: skip/,
    );
    expect(performance.now() - start).toBeLessThan(5000);
    expect(reasons[0]).toBe("the reward took longer than 0.05 s");
  });

  it("names the file the reward came from", async () => {
    registerReward("bad/from-here")(() => Number.NaN);
    try {
      const reward = createComponent("reward", "bad/from-here");
      await expect(score(manager, [configured("bad/from-here", reward)], batch)).rejects.toThrow(/\[reward bad\/from-here \(.*managers\.test\.ts\)\]/);
    } finally {
      registry.remove("reward", "bad/from-here");
    }
  });

  it("keeps the words of verlet's own errors", async () => {
    const accuracy = createComponent("reward", "accuracy");
    await expect(score(manager, [configured("accuracy", accuracy)], [rollout("#### 5", { question: "q" })])).rejects.toThrow(
      /\[reward accuracy \(.*accuracy\.(js|ts)\)\] the row has no column "answer" with the answer, on sample 1 with .*: got columns question\. Set data\.columns\.answer/,
    );
  });

  it("makes the sample null and counts it with onError: skip", async () => {
    const skip = { onError: "skip", timeout: 0.05 } as const;
    const rewards = [
      configured("nan", { score: onBad(Number.NaN) }, skip),
      configured("hang", { score: ({ completion }) => (completion === "fine" ? 2 : new Promise<never>(() => {})) }, skip),
      configured("count", { scoreBatch: () => [1, 1] }, skip),
      configured("fine", { score: () => 3 }, skip),
    ];
    const { rollouts, metrics } = await score(manager, rewards, batch);
    expect(rollouts.map((one) => one.rewards)).toEqual([
      { nan: 1, hang: 2, count: null, fine: 3 },
      { nan: null, hang: null, count: null, fine: 3 },
      { nan: 1, hang: 2, count: null, fine: 3 },
    ]);
    expect(Object.keys(rollouts[0]!.failures!)).toEqual(["count"]);
    expect(Object.keys(rollouts[1]!.failures!)).toEqual(["nan", "hang", "count"]);
    expect(rollouts[1]!.failures!.nan).toContain(`[reward nan] it returned something that is no score, on ${at}: got NaN`);
    expect(rollouts.map((one) => one.score)).toEqual([6, 3, 6]);
    expect(metrics).toMatchObject({ "rewards/nan/errors": 1, "rewards/hang/errors": 1, "rewards/count/errors": 3, "rewards/fine/errors": 0 });
    expect(metrics).not.toHaveProperty("rewards/count/mean");
  });

  it("gives the sample the number that onError names, and counts it", async () => {
    const rewards = [configured("nan", { score: onBad(Number.NaN) }, { onError: -2 }), configured("fine", { score: () => 3 }, { onError: 0 })];
    const { rollouts, metrics } = await score(manager, rewards, batch);
    expect(rollouts.map((one) => one.score)).toEqual([4, 1, 4]);
    expect(rollouts.map((one) => one.failures !== undefined)).toEqual([false, true, false]);
    expect(metrics).toMatchObject({ "rewards/nan/mean": 0, "rewards/nan/errors": 1, "rewards/fine/errors": 0 });
  });

  it("passes on the reason when the run is stopped", async () => {
    const controller = new AbortController();
    const fetching: RewardFn = (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const scoring = createRewardManager(manager, [configured("fetching", { score: fetching })]).score(batch, { step: 1, signal: controller.signal });
    controller.abort(new Error("stopped by the user"));
    await expect(scoring).rejects.toThrow("stopped by the user");
  });
});

describe.each(["naive", "batch"])("the number of results under %s", (manager) => {
  const three = ["a", "b", "c"].map((text) => rollout(text));

  it.each<[string, unknown, string]>([
    ["too few", [1, 2], "got 2 results"],
    ["too many", [1, 2, 3, 4], "got 4 results"],
    ["one number", 1, "got a number"],
    ["nothing", undefined, "got undefined"],
  ])("counts the results of a batch: %s", async (_, results, got) => {
    const reward = { scoreBatch: () => results } as unknown as Reward;
    await expect(score(manager, [configured("count", reward)], three)).rejects.toThrow(
      `[reward count] scoreBatch returned the wrong number of results, on a batch of 3 samples: ${got}, expected a list of 3, one per sample.`,
    );
  });
});

describe("how rewards are called", () => {
  const both = (calls: string[]): Reward => ({
    score: () => (calls.push("one"), 1),
    scoreBatch: (samples) => (calls.push("batch"), samples.map(() => 1)),
  });

  it("naive and prime prefer single calls, batch the one with all", async () => {
    const calls: Record<string, string[]> = { naive: [], batch: [], prime: [] };
    for (const manager of managers) await score(manager, [configured("both", both(calls[manager]!))], [rollout("a"), rollout("b")]);
    expect(calls).toEqual({ naive: ["one", "one"], batch: ["batch"], prime: ["one", "one"] });
  });

  const sizes = (calls: number[], maxBatch?: number): Reward => ({
    maxBatch,
    scoreBatch: async (samples) => (calls.push(samples.length), await wait(1), samples.map(({ completion }) => completion.length)),
  });

  it.each([
    ["naive", undefined, [5]],
    ["naive", 2, [2, 2, 1]],
    ["batch", 5, [5]],
    ["batch", 3, [3, 2]],
    ["prime", undefined, [1, 1, 1, 1, 1]],
  ] as const)("%s hands batches to a reward that only takes those, of at most its maxBatch %s: %j", async (manager, maxBatch, expected) => {
    const calls: number[] = [];
    const { rollouts } = await score(manager, [configured("sizes", sizes(calls, maxBatch))], ["a", "ab", "abc", "abcd", ""].map((text) => rollout(text)));
    expect(calls).toEqual(expected);
    expect(rollouts.map((one) => one.score)).toEqual([1, 2, 3, 4, 0]);
  });

  it("a part of a batch that fails leaves the other parts as they are", async () => {
    const picky: Reward = { maxBatch: 2, scoreBatch: (samples) => { if (samples.some(({ completion }) => completion === "bad")) throw new Error("no"); return samples.map(() => 1); } };
    const { rollouts, metrics } = await score("batch", [configured("picky", picky, { onError: "skip" })], ["a", "b", "bad", "c", "d"].map((text) => rollout(text)));
    expect(rollouts.map((one) => one.score)).toEqual([1, 1, null, null, 1]);
    expect(metrics["rewards/picky/errors"]).toBe(2);
    expect(rollouts[3]!.failures!.picky).toMatch(/it threw: no, on a batch of 2 samples/);
  });

  it("under prime a sample that fails or hangs takes no other of its batch with it", async () => {
    const samples = ["a", "bad", "hang", "b"].map((text) => rollout(text));
    const judge: Reward = {
      scoreBatch: (some) => {
        if (some.some(({ completion }) => completion === "hang")) return new Promise<never>(() => {});
        if (some.some(({ completion }) => completion === "bad")) throw new Error("no");
        return some.map(() => 1);
      },
    };
    const skip = configured("judge", judge, { onError: "skip", timeout: 0.05 });
    const together = await score("batch", [skip], samples);
    const alone = await score("prime", [skip], samples);
    expect(together.rollouts.map((one) => one.score)).toEqual([null, null, null, null]);
    expect(alone.rollouts.map((one) => one.score)).toEqual([1, null, null, 1]);
    expect(alone.metrics).toEqual({ "rewards/judge/mean": 1, "rewards/judge/std": 0, "rewards/judge/errors": 2, reward: 1, reward_std: 0 });
  });

  it("prime counts a batch of one", async () => {
    await expect(score("prime", [configured("count", { scoreBatch: () => [1, 2] })], [rollout("a")])).rejects.toThrow(
      /\[reward count\] scoreBatch returned the wrong number of results, on sample 1 .*: got 2 results, expected a list of 1, one per sample\./,
    );
  });

  it.each(managers)("%s runs asynchronous calls side by side, up to its concurrency, and keeps their order", async (manager) => {
    let running = 0;
    let most = 0;
    const slow: Reward = {
      score: async ({ completion }) => {
        most = Math.max(most, ++running);
        await wait(20 - 2 * completion.length);
        running--;
        return completion.length;
      },
    };
    const batch = ["a", "ab", "abc", "abcd", "abcde"].map((text) => rollout(text));
    const { rollouts } = await score(manager, [configured("slow", slow)], batch, { concurrency: 3 });
    expect(rollouts.map((one) => one.score)).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(3);
  });

  it("makes no further calls after one has failed", async () => {
    let calls = 0;
    const failing: Reward = { score: async () => { calls++; await wait(1); throw new Error("no"); } };
    await expect(score("naive", [configured("failing", failing)], Array.from({ length: 50 }, () => rollout("a")), { concurrency: 2 })).rejects.toThrow("no");
    await wait(20);
    expect(calls).toBe(2);
  });

  it("refuses options it does not know", () => {
    expect(() => createRewardManager("naive", [], { concurency: 2 })).toThrow(/concurency/);
    expect(() => createRewardManager("batch", [], { concurrency: 0 })).toThrow(/concurrency/);
    expect(() => createRewardManager("prime", [], { timeout: 3 })).toThrow(/timeout/);
  });
});

describe("what is measured", () => {
  const length: Reward = { score: ({ completion }) => completion.length };
  const from = (source: unknown, text: string, column = "data_source"): Rollout => rollout(text, { answer: "1", [column]: source });

  it.each(["data_source", "dataSource"])("each reward's mean by %s, where a batch has several", async (column) => {
    const batch = [from("openai/gsm8k", "ab", column), from("aime", "abcd", column), from("openai/gsm8k", "abcd", column), rollout("abcdefgh")];
    const { metrics } = await score("naive", [configured("length", length)], batch);
    // (2 + 4) / 2 and 4; the row without a source counts only in the whole: (2 + 4 + 4 + 8) / 4
    expect(metrics).toMatchObject({ "rewards/length/openai/gsm8k/mean": 3, "rewards/length/aime/mean": 4, "rewards/length/mean": 4.5 });
  });

  it("no mean by source of a batch from one, nor of a source without a scored row", async () => {
    const one = await score("naive", [configured("length", length)], [from("a", "x"), from("a", "xx"), rollout("")]);
    expect(Object.keys(one.metrics)).toEqual(["rewards/length/mean", "rewards/length/std", "reward", "reward_std"]);
    const notB: Reward = { score: ({ row }) => (row.data_source === "b" ? null : 1) };
    const two = await score("naive", [configured("notB", notB)], [from("a", "x"), from("b", "xx")]);
    expect(Object.keys(two.metrics)).toEqual(["rewards/notB/mean", "rewards/notB/a/mean", "reward"]);
  });

  it("what a reward logs beside its score", async () => {
    const logs: Reward = { score: ({ completion }, { log }) => (completion === "a" ? log!("words", 1) : log!("words", 4), 0) };
    const { metrics } = await score("naive", [configured("logs", logs)], [rollout("a"), rollout("b"), rollout("c")]);
    expect(metrics["rewards/logs/extra/words"]).toBe(3);
    const wrong: Reward = { score: (_, { log }) => (log!("words", Number.NaN), 0) };
    await expect(score("naive", [configured("wrong", wrong)], [rollout("a")])).rejects.toThrow('it threw: log("words") takes a finite number and got NaN');
  });
});
