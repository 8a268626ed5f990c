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

const managers = ["naive", "batch"] as const;
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

  it.each<[string, unknown, string]>([
    ["too few", [1, 2], "got 2 results"],
    ["too many", [1, 2, 3, 4], "got 4 results"],
    ["one number", 1, "got a number"],
    ["nothing", undefined, "got undefined"],
  ])("counts the results of a batch: %s", async (_, results, got) => {
    const reward = { scoreBatch: () => results } as unknown as Reward;
    await expect(score(manager, [configured("count", reward)], batch)).rejects.toThrow(
      `[reward count] scoreBatch returned the wrong number of results, on a batch of 3 samples: ${got}, expected a list of 3, one per sample.`,
    );
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
      configured("count", { scoreBatch: () => [1] }, skip),
      configured("fine", { score: () => 3 }, skip),
    ];
    const { rollouts, metrics } = await score(manager, rewards, batch);
    expect(rollouts.map((one) => one.rewards)).toEqual([
      { nan: 1, hang: 2, count: null, fine: 3 },
      { nan: null, hang: null, count: null, fine: 3 },
      { nan: 1, hang: 2, count: null, fine: 3 },
    ]);
    expect(rollouts.map((one) => one.score)).toEqual([6, 3, 6]);
    expect(metrics).toMatchObject({ "rewards/nan/errors": 1, "rewards/hang/errors": 1, "rewards/count/errors": 3, "rewards/fine/errors": 0 });
    expect(metrics).not.toHaveProperty("rewards/count/mean");
  });

  it("passes on the reason when the run is stopped", async () => {
    const controller = new AbortController();
    const fetching: RewardFn = (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const scoring = createRewardManager(manager, [configured("fetching", { score: fetching })]).score(batch, { step: 1, signal: controller.signal });
    controller.abort(new Error("stopped by the user"));
    await expect(scoring).rejects.toThrow("stopped by the user");
  });
});

describe("how rewards are called", () => {
  const both = (calls: string[]): Reward => ({
    score: () => (calls.push("one"), 1),
    scoreBatch: (samples) => (calls.push("batch"), samples.map(() => 1)),
  });

  it("naive prefers single calls, batch the one with all", async () => {
    const calls: Record<string, string[]> = { naive: [], batch: [] };
    for (const manager of managers) await score(manager, [configured("both", both(calls[manager]!))], [rollout("a"), rollout("b")]);
    expect(calls).toEqual({ naive: ["one", "one"], batch: ["batch"] });
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
  });
});
