import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { registerReward, type RunSections } from "@verlet/core";
import { RLTrainingManager, VERLTrainingManager, VerlTrainingManager, registerRewardFunction, registry, type RewardArguments, type RunComputeScore, type VerlDataItem } from "@verlet/verl";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { metricsOf, tinyVerl, writeRows } from "./tiny-verl.js";

/** Differs within nearly every group of random completions. */
const byLength = (_: string, response: string): number => response.length % 7;

type Options = ConstructorParameters<typeof RLTrainingManager>[0];

async function using<T>(options: Options, body: (manager: RLTrainingManager) => Promise<T>): Promise<T> {
  const manager = new VerlTrainingManager(options);
  try {
    return await body(manager);
  } finally {
    await manager.dispose();
  }
}

test("its three names are one class", () => {
  expect([VerlTrainingManager, VERLTrainingManager]).toEqual([RLTrainingManager, RLTrainingManager]);
});

describe("train", () => {
  test("as the document calls it: a data path, a folder, settings; then save, load and evaluate", async () => {
    const folder = tempFolder();
    const tensors = tf.memory().numTensors;
    const rows = writeRows(folder, "other.jsonl");
    const out = join(folder, "run");
    await using({ config: tinyVerl(folder, { data: { train_files: "none.parquet" } }), algorithmType: "grpo", rewardFunction: byLength }, async (manager) => {
      const stats = await manager.train(rows, out, { batchSize: 4, learningRate: 0.02, saveInterval: 1, evalInterval: 0 });
      expect(stats).toMatchObject({ steps: 2, outputDir: out, interrupted: false });
      expect(metricsOf(out).map((step) => step.learning_rate)).toEqual([0.02, 0.02]);
      const resolved = readFileSync(join(out, "config.resolved.yaml"), "utf8");
      expect(resolved).toContain("batchSize: 4");
      expect(resolved).toContain("saveEvery: 1");
      const { metrics, details } = await manager.evaluate(rows, { details: true });
      expect(metrics["eval/reward"]).toBeGreaterThanOrEqual(0);
      expect(details).toHaveLength(4);
      await manager.save(join(folder, "saved"));
      await manager.load(join(folder, "saved"));
      expect((await manager.evaluate(rows)).metrics).toEqual(metrics);
    });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("one object of options is the same, and a second run goes on from the weights there are", async () => {
    const folder = tempFolder();
    await using({ config: tinyVerl(folder), rewardFunction: byLength }, async (manager) => {
      const first = await manager.train({ outputDir: join(folder, "a"), epochs: 2 }); // 4 rows, 2 a step
      const second = await manager.train({ outputDir: join(folder, "b") });
      expect([first.steps, second.steps]).toEqual([4, 2]);
      expect(readFileSync(join(folder, "b/model.safetensors"))).not.toEqual(readFileSync(join(folder, "a/model.safetensors")));
    });
  });

  test("a configuration in verlet's own shape, with the algorithm over it", async () => {
    const folder = tempFolder();
    const verl = tinyVerl(folder);
    const { config } = await using({ config: verl, rewardFunction: byLength }, (manager) => manager.resolve());
    const own = { algorithm: "dapo", model: config.model, data: config.data, rollout: config.rollout, rewards: ["accuracy"], trainer: { batchSize: 2, maxSteps: 1, outputDir: join(folder, "own"), loggers: ["jsonl"] }, backend: "wasm" };
    await using({ config: own, algorithmType: "grpo", rewardFunction: byLength }, async (manager) => {
      expect((await manager.resolve()).translation).toBeUndefined();
      await manager.train();
    });
    expect(readFileSync(join(folder, "own/config.resolved.yaml"), "utf8")).toMatch(/^algorithm:\n {2}name: grpo\n/);
  });
});

describe("a reward function", () => {
  const steps = (folder: string): Record<string, number> => metricsOf(join(folder, "out"))[0]!;

  test("by itself has the document's form, with the row's facts beside the texts", async () => {
    const folder = tempFolder();
    const seen: [string, RewardArguments][] = [];
    const scored = (input: string, response: string, kwargs: RewardArguments): number => {
      seen.push([input, kwargs]);
      return response.length % 7;
    };
    await using({ config: tinyVerl(folder), rewardFunction: scored }, (manager) => manager.train());
    expect(seen).toHaveLength(8); // 2 steps of 2 prompts, 2 samples of each
    const [input, kwargs] = seen[0]!;
    expect(input).toContain("<|im_start|>user");
    const { row, signal, ...rest } = kwargs;
    const { index } = rest.extraInfo as { index: number };
    expect(rest).toEqual({ groundTruth: `truth ${index}`, dataSource: "tests/tiny", extraInfo: { split: "train", index }, finished: expect.any(Boolean) as boolean, step: 1 });
    expect([(row as { ability: string }).ability, signal.aborted]).toEqual(["none", false]);
    expect(steps(folder)).toHaveProperty(["rewards/script/scored/mean"]);
  });

  test("registered under VERL's name is told by its registration", async () => {
    const folder = tempFolder();
    registerRewardFunction("test-verl-length")((_, response) => response.length % 5);
    await using({ config: tinyVerl(folder), rewardFunction: registry.getRewardFunction("test-verl-length") }, (manager) => manager.train());
    expect(steps(folder)).toHaveProperty(["rewards/test-verl-length/mean"]);
  });

  test("in the other forms is wrapped, or named", async () => {
    const folder = tempFolder();
    const computeScore = (source: string, solution: string, truth: unknown, extra: Record<string, unknown>): { score: number; index: number } => {
      expect([source, typeof truth]).toEqual(["tests/tiny", "string"]);
      return { score: solution.length % 5, index: extra.index as number };
    };
    const manager = tinyVerl(folder, { trainer: { total_training_steps: 1 } });
    await using({ config: manager, rewardFunction: { computeScore } }, (one) => one.train(undefined, join(folder, "out")));
    expect(steps(folder)).toHaveProperty(["rewards/script/computeScore/extra/index"]);

    registerReward("test-verl-own")(({ completionIds }) => completionIds.length);
    const names = await Promise.all(
      ["test-verl-own", { reward: ({ completionIds }: { completionIds: readonly number[] }) => completionIds.length }].map(async (rewardFunction) =>
        using({ config: manager, rewardFunction: rewardFunction as Options["rewardFunction"] }, async (one) => (await one.resolve()).config.rewards.map(({ name }) => name)),
      ),
    );
    expect(names).toEqual([["test-verl-own"], ["script/reward"]]);
  });

  test("is one reward however often it is handed over; another of the same name is another", async () => {
    const folder = tempFolder();
    const named = async (rewardFunction: Options["rewardFunction"]): Promise<string> =>
      using({ config: tinyVerl(folder), rewardFunction }, async (manager) => (await manager.resolve()).config.rewards[0]!.name);
    const same = { same: () => 1 }.same;
    const other = { same: () => 2 }.same;
    expect([await named(same), await named(same), await named(other)]).toEqual(["script/same", "script/same", "script/same-2"]);
  });

  test("that is none, or a compute_score without its wrapper, is refused at once", () => {
    const config = {};
    expect(() => new RLTrainingManager({ config, rewardFunction: ((a: string, b: string, c: unknown, d: unknown) => [a, b, c, d].length) as never })).toThrow(
      "[rewardFunction] a function by itself is called with (inputText, responseText, kwargs): got one with 4 parameters. Hand VERL's compute_score over as { computeScore: yourFunction }.",
    );
    expect(() => new RLTrainingManager({ config, rewardFunction: 7 as never })).toThrow(
      "[rewardFunction] this is no reward function: got 7, expected a function, { computeScore }, { reward }, or the name of a registered reward.",
    );
  });
});

test("a reward manager of VERL's form scores, with the run's rewards as computeScore", async () => {
  const folder = tempFolder();
  const made: unknown[] = [];
  class Halving {
    readonly #computeScore: RunComputeScore;
    constructor(_tokenizer: unknown, numExamine: number, config: RunSections, computeScore: RunComputeScore) {
      made.push([numExamine, config.algorithm.name]);
      this.#computeScore = computeScore;
    }
    async call(data: readonly VerlDataItem[]): Promise<number[]> {
      return Promise.all(data.map(async ({ dataSource, response, groundTruth, extraInfo }) => ((await this.#computeScore(dataSource, response, groundTruth, extraInfo)) ?? 0) / 2));
    }
  }
  await using({ config: tinyVerl(folder), rewardFunction: byLength, rewardManagerClass: Halving }, (manager) => manager.train());
  expect(made).toEqual([[0, "grpo"]]);
  const [step] = metricsOf(join(folder, "out"));
  expect(step!.reward).toBeCloseTo(step!["rewards/script/byLength/mean"]! / 2, 6);
});

describe("core algorithms", () => {
  const algos = `
import { tf } from "verlet";
const spread = (rewards, mask, factor) => { const rows = tf.sum(rewards, 1, true); const out = tf.mul(tf.mul(rows, factor), mask); return [out, out.clone()]; };
export function computeWeightedGrpoAdvantage(tokenLevelRewards, eosMask, index, epsilon) { return spread(tokenLevelRewards, eosMask, epsilon * index.length); }
export function computeGaeAdvantage(tokenLevelRewards, eosMask, index, epsilon) { return spread(tokenLevelRewards, eosMask, 1); }
`;
  const file = (folder: string): string => {
    const path = join(folder, "core-algos.ts");
    writeFileSync(path, algos);
    return path;
  };

  test("come out of a module, the one that fits the algorithm where none is named", async () => {
    const folder = tempFolder();
    const module = file(folder);
    const chosen = async (options: Partial<Options>): Promise<unknown> =>
      using({ config: tinyVerl(folder), rewardFunction: byLength, coreAlgosModule: module, ...options }, async (manager) => (await manager.resolve()).config.advantage.function);
    expect(await chosen({})).toBe("computeWeightedGrpoAdvantage");
    expect(await chosen({ algorithmType: "dapo" })).toBe("computeWeightedGrpoAdvantage"); // dapo's own advantage is grpo
    expect(await chosen({ algorithmType: "ppo" })).toBe("computeGaeAdvantage"); // and PPO's is gae
    expect(await chosen({ coreAlgosFunction: "compute_gae_advantage" })).toBe("computeGaeAdvantage");
  });

  test("train, and the plan names the choice", async () => {
    const folder = tempFolder();
    const lines: string[] = [];
    const logger = { step: () => undefined, line: (text: string) => void lines.push(text) };
    await using({ config: tinyVerl(folder), rewardFunction: byLength, coreAlgosModule: file(folder), manager: { loggers: [logger] } }, (manager) => manager.train());
    const plan = lines.join("\n");
    expect(plan).toMatch(/^Translated from VERL's shape$/m);
    expect(plan).toMatch(/^ {2}reward\.custom_reward_function\.path +rewards +\[\{"name":"script\/byLength"\}\] {2}\(set over it\)$/m);
    expect(plan).toMatch(/\n {2}reward +script\/byLength +\(test\/unit\/verl\/training-manager\.test\.ts\)/);
    expect(plan).toMatch(/\n {2}advantage +custom:.*core-algos\.ts#computeWeightedGrpoAdvantage/);
    expect(metricsOf(join(folder, "out"))).toHaveLength(2);
  });

  test("a missing module, and several that fit, are told with the caller's name", async () => {
    const folder = tempFolder();
    const failing = (options: Partial<Options>): Promise<unknown> => using({ config: tinyVerl(folder), ...options }, (manager) => manager.resolve());
    await expect(failing({ coreAlgosModule: "./none.ts" })).rejects.toThrow(/^\[RLTrainingManager\] module \.\/none\.ts: no such file/);
    await expect(failing({ coreAlgosFunction: "mine" })).rejects.toThrow(/^\[RLTrainingManager\] unknown advantage: got "mine"/);
    await expect(failing({ coreAlgosModule: file(folder), algorithmType: "drgrpo", coreAlgosFunction: "none" })).rejects.toThrow(/^\[RLTrainingManager\] module .*core-algos\.ts: no function `none`: got the exports computeGaeAdvantage, computeWeightedGrpoAdvantage/);
  });
});

describe("wrong input", () => {
  test("to the constructor", () => {
    expect(() => new RLTrainingManager({ confg: "x" } as never)).toThrow("unknown option: got `confg`, expected one of config, algorithmType");
    expect(() => new RLTrainingManager({ config: 7 } as never)).toThrow("[RLTrainingManager] config: got 7, expected text or a mapping.");
  });
  test("to train", async () => {
    await using({ config: {} }, async (manager) => {
      await expect(manager.train({ epoch: 3, batchSize: 0, learningRate: "high" } as never)).rejects.toThrow(
        '[train] batchSize: got 0, expected at least 1.\n[train] learningRate: got "high", expected a number.\n[train] unknown option: got `epoch`, expected one of dataPath, outputDir, epochs, batchSize, learningRate, evalInterval, saveInterval. Did you mean `epochs`?',
      );
    });
  });
  test("in the configuration, with the first call that reads it", async () => {
    await using({ config: { actor_rollout_ref: { model: {} } } }, async (manager) => {
      await expect(manager.train("rows.jsonl")).rejects.toThrow("actor_rollout_ref.model.path is missing");
      await expect(manager.evaluate()).rejects.toThrow("actor_rollout_ref.model.path is missing");
    });
    await using({ config: "none.yaml" }, (manager) => expect(manager.train()).rejects.toThrow("cannot read the configuration: got no file at none.yaml"));
  });
  test("an algorithm that is not there", async () => {
    const folder = tempFolder();
    await using({ config: tinyVerl(folder), algorithmType: "grqo" }, (manager) => expect(manager.resolve()).rejects.toThrow(/^\[RLTrainingManager algorithm_type\] unknown algorithm: got "grqo"/));
    await using({ config: { algorithm: "sft", model: { path: "m" }, data: { train: "t" } }, algorithmType: "grqo" }, (manager) => expect(manager.resolve()).rejects.toThrow(/^\[RLTrainingManager\] unknown algorithm: got "grqo"/));
  });
});
