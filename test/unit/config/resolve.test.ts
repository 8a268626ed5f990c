import { describe, expect, test, vi } from "vitest";
import { ShapeError, createComponent, registerAdvantage, registerPolicyLoss, registerReward, registerTrainer, registry, z } from "@verlet/core";
import type { AdvantageInput, AdvantageOutput, Provision, Trainer } from "@verlet/core";
import { checkNeeds, checkParts, loadConfig, needsReference, resolveConfig } from "@verlet/config";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

const trainer = (): Trainer => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} });

describe("defaults", () => {
  test("the sections' own", async () => {
    const { config } = await resolveConfig(rlYaml);
    expect(config.data).toEqual({
      train: "./train.jsonl",
      columns: {},
      chatTemplate: "auto",
      maxLength: 1024,
      maxPromptTokens: 512,
      trainOn: "auto",
      packing: false,
      groupByLength: false,
      shuffle: true,
    });
    expect(config.rollout).toEqual({
      numGenerations: 8,
      maxNewTokens: 256,
      temperature: 1,
      topP: 1,
      topK: 0,
      minP: 0,
      repetitionPenalty: 1,
      batchSize: 0,
    });
    expect(config.rewards).toEqual([{ name: "test-exact", weight: 1, timeout: 60, onError: "raise", options: { tolerance: 0 } }]);
    expect(config.optimizer).toEqual({
      learningRate: 1e-5,
      weightDecay: 0,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      maxGradNorm: 1,
      schedule: { name: "constant", warmupRatio: 0 },
    });
    expect(config.model).toEqual({ path: "./model", init: "pretrained", computeDtype: "float32", baseDtype: "float32" });
    expect(config.backend).toBe("auto");
  });

  test("what the user wrote stands over the algorithm's, which stand over the sections' own", async () => {
    const { config } = await resolveConfig(`${rlYaml}loss: { klCoef: 0.5, iterations: 2 }\n`);
    expect(config.algorithm).toEqual({ name: "test-rl", options: { maxRefills: 2 } });
    expect(config.advantage).toEqual({ name: "test-advantage", options: { epsilon: 1e-4 } });
    expect(config.loss).toMatchObject({
      name: "test-clip",
      options: { clipLow: 0.2, clipHigh: 0.28 }, // 0.28 from the algorithm
      klCoef: 0.5, // from the user
      iterations: 2, // from the user
      aggregation: "token-mean",
      klEstimator: "k3",
      maskTruncated: false,
    });
    expect(config.trainer.batchSize).toBe(4); // from the algorithm
    expect(config.trainer.seed).toBe(42);
  });

  test("another part than the algorithm's does not inherit that part's options", async () => {
    const { config } = await resolveConfig(`${rlYaml}loss: test-bare\nadvantage: test-plain\n`);
    expect(config.loss).toMatchObject({ name: "test-bare", options: {}, klCoef: 0.01 });
    expect(config.advantage.name).toBe("test-plain");
  });

  test("an algorithm's wrong defaults are its own fault", async () => {
    registerTrainer("temporary-wrong", { defaults: { trainer: { seed: "x" }, optimizer: { rate: 1 } } })(trainer);
    const yaml = "algorithm: temporary-wrong\nmodel: { path: m }\ndata: { train: t }\n";
    expect(await problemsOf(resolveConfig(yaml))).toEqual([
      expect.stringMatching(/^\[defaults of algorithm temporary-wrong \(.*resolve\.test\.ts\)\] unknown key in optimizer: got `rate`/),
      expect.stringMatching(/^\[defaults of algorithm temporary-wrong \(.*resolve\.test\.ts\)\] trainer\.seed: got "x"/),
    ]);
  });
});

describe("sections that only some algorithms use", () => {
  const sft = "algorithm: test-sft\nmodel: { path: m }\ndata: { train: t }\ntrainer: { loggers: [test-logger] }\n";

  test("are not asked for where they are not used", async () => {
    const { config, yaml } = await resolveConfig(sft);
    expect(config).toMatchObject({ rewards: [], advantage: { name: "" }, loss: { name: "" }, rewardManager: { name: "" } });
    expect(yaml()).not.toMatch(/^(rollout|rewards|rewardManager|advantage|loss):/m);
  });

  test("may not be written where they are not used", async () => {
    expect(await problemsOf(resolveConfig(`${sft}rollout: { topK: 1 }\nreward_manager: naive\nloss: clip\n`))).toEqual([
      "[config:5:1] algorithm test-sft does not use `rollout`: expected only the sections it reads: model, data, optimizer, trainer. Take `rollout` out.",
      "[config:6:1] algorithm test-sft does not use `rewardManager`: expected only the sections it reads: model, data, optimizer, trainer. Take `rewardManager` out.",
      "[config:7:1] algorithm test-sft does not use `loss`: expected only the sections it reads: model, data, optimizer, trainer. Take `loss` out.",
    ]);
  });
});

describe("needs", () => {
  test("a group that is too small, together with the other problems", async () => {
    expect(await problemsOf(resolveConfig(`${rlYaml}rollout: { numGenerations: 1 }\nbackend: none\n`))).toEqual([
      "[config:7:28] rollout.numGenerations: got 1, expected at least 2, which advantage test-advantage needs.",
      expect.stringMatching(/^\[config:8:10\] backend: got "none"/),
    ]);
  });

  test("a critic, a greedy baseline or separate scores that nothing provides", async () => {
    const fn = ({ tokenRewards }: AdvantageInput): AdvantageOutput => ({ advantages: tokenRewards, returns: tokenRewards });
    registerAdvantage("temporary-gae", { needs: { critic: true, greedyBaseline: true, perRewardScores: true } })(fn);
    const yaml = `${rlYaml}advantage: temporary-gae\n`;
    const asked = (what: string, provision: Provision): string => {
      const able = registry.list("trainer").filter(({ provides }) => provides.includes(provision)).map(({ name }) => name);
      return `[config:7:12] advantage temporary-gae needs ${what}: got algorithm test-rl, which has none, expected an algorithm that provides it (${able.join(", ") || "there is none"}).`;
    };
    expect(await problemsOf(resolveConfig(yaml))).toEqual([
      asked("values from a critic", "critic"),
      asked("the score of a greedy completion", "greedyBaseline"),
      asked("each reward's own scores", "perRewardScores"),
    ]);
    registerTrainer("temporary-ppo", { uses: ["rollout", "rewards", "advantage", "loss"], provides: ["critic"] })(trainer);
    expect((await problemsOf(resolveConfig(yaml)))[0]).toContain("temporary-ppo");
    expect(await problemsOf(resolveConfig(`${yaml}loss: test-bare\n`.replace("test-rl", "temporary-ppo")))).toHaveLength(2);
  });

  test("evaluation settings without evaluation rows", async () => {
    const yaml = rlYaml.replace("{ loggers:", "{ evalEvery: 5, keepBest: { metric: reward }, loggers:");
    expect(await problemsOf(resolveConfig(yaml))).toEqual([
      "[config:6:23] trainer.evalEvery: got 5 without evaluation rows, expected `data.eval` beside it. Set data.eval or take this key out.",
      "[config:6:36] trainer.keepBest: got reward without evaluation rows, expected `data.eval` beside it. Set data.eval or take this key out.",
    ]);
    const { config } = await resolveConfig(yaml.replace("./train.jsonl", "./train.jsonl, eval: ./e.jsonl"));
    expect(checkNeeds(config)).toEqual([]);
  });

  test("a reference is needed for KL or when a part says so", async () => {
    expect(needsReference((await resolveConfig(rlYaml)).config)).toBe(true); // klCoef 0.01 from the algorithm
    expect(needsReference((await resolveConfig(`${rlYaml}loss: { klCoef: 0 }\n`)).config)).toBe(false);
    registerPolicyLoss("temporary-anchored", { needs: { reference: true } })(({ logProbs }) => logProbs);
    expect(needsReference((await resolveConfig(`${rlYaml}loss: { name: temporary-anchored, klCoef: 0 }\n`)).config)).toBe(true);
  });
});

test("a part's option may not have the name of one of the section's keys", async () => {
  registerPolicyLoss("temporary-clash", { options: z.strictObject({ aggregation: z.string().default("x") }) })(({ logProbs }) => logProbs);
  expect(await problemsOf(resolveConfig(`${rlYaml}loss: temporary-clash\n`))).toEqual([
    expect.stringMatching(/policy loss temporary-clash has an option that is a key of `loss` itself: got `aggregation`, expected none of name, .*Rename it in .*resolve\.test\.ts\./),
  ]);
});

test("loggers take options", async () => {
  const { config } = await resolveConfig(rlYaml.replace("[test-logger]", "[{ name: test-logger, every: 5 }]"));
  expect(config.trainer.loggers).toEqual([{ name: "test-logger", options: { every: 5 } }]);
});

test("a part's own check gets its options with the defaults, and that of a part which is not used is not called", async () => {
  const check = vi.fn();
  const options = z.strictObject({ url: z.string(), port: z.number().default(80) });
  registerReward("temporary-checked", { options, check })(() => 0);
  checkParts((await resolveConfig(rlYaml)).config);
  expect(check).not.toHaveBeenCalled();
  checkParts((await resolveConfig(rlYaml, { overrides: ['rewards=[{ name: temporary-checked, options: { url: "http://a" } }]'] })).config);
  expect(check.mock.calls).toEqual([[{ url: "http://a", port: 80 }]]);
});

describe("an advantage from the user's own file", () => {
  const matrix = (shape: [number, number]): AdvantageInput["mask"] => ({ shape }) as AdvantageInput["mask"];
  const input: AdvantageInput = {
    scores: new Float32Array(2),
    tokenRewards: matrix([2, 3]),
    mask: matrix([2, 3]),
    groups: new Int32Array(2),
  };
  const run = async (source: string, advantage: string): Promise<{ folder: string; problems: string[]; output?: unknown }> => {
    const folder = folderWith({ "algos.ts": source, "run.yaml": `${rlYaml}advantage: ${advantage}\n` });
    const problems = await problemsOf(loadConfig(`${folder}/run.yaml`), folder);
    if (problems.length > 0) return { folder, problems };
    const { name, options } = (await loadConfig(`${folder}/run.yaml`)).config.advantage;
    return { folder, problems, output: createComponent("advantage", name, options).compute(input) };
  };

  test("verlet's signature gets the input and the options", async () => {
    const source =
      'import type { AdvantageInput } from "@verlet/core";\nexport const computeMine = (input: AdvantageInput, options: { scale?: number }) => ({ advantages: input.tokenRewards, returns: input.mask, metrics: { scale: options.scale ?? 0 } });\n';
    const { output } = await run(source, "{ module: ./algos.ts, function: computeMine, scale: 3 }");
    expect(output).toEqual({ advantages: input.tokenRewards, returns: input.mask, metrics: { scale: 3 } });
  });

  test("VERL's signature gets rewards, mask, index and epsilon", async () => {
    const source =
      "export function compute_custom_advantage(rewards: unknown, mask: { shape: number[]; epsilon?: number }, index: Int32Array, epsilon = 1e-6) {\n  if (index.length !== 2) throw new Error('index');\n  return [{ ...mask, epsilon }, rewards];\n}\n";
    const { output } = await run(source, "{ module: ./algos.ts, epsilon: 0.25 }");
    expect(output).toEqual({ advantages: { shape: [2, 3], epsilon: 0.25 }, returns: input.tokenRewards });
    expect((await run(source, "{ module: ./algos.ts, epsilon: small }")).problems[0]).toMatch(/run\.yaml:7:43\] advantage\.epsilon: got "small"/);
  });

  test("without `function`, the one that fits is found", async () => {
    const body = "(input) => ({ advantages: input.mask, returns: input.mask });";
    expect((await run(`export const only = ${body}\n`, "{ module: ./algos.ts }")).problems).toEqual([]);
    registerTrainer("temporary_grpo", { uses: ["rollout", "rewards", "advantage", "loss"] })(trainer);
    const two = folderWith({
      "algos.ts": `export const gae_advantage = ${body}\nexport const temporary_grpo_advantage = ${body}\n`,
      "run.yaml": `${rlYaml.replace("test-rl", "temporary_grpo")}advantage: { module: ./algos.ts }\nloss: test-bare\n`,
    });
    expect((await loadConfig(`${two}/run.yaml`)).config.advantage.function).toBe("temporary_grpo_advantage");
    expect((await run(`export const helper = ${body}\nexport const myAdvantage = ${body}\n`, "{ module: ./algos.ts }")).problems).toEqual([]);
    expect(
      (await run(`export const gaeAdvantage = ${body}\nexport const grpoAdvantage = ${body}\n`, "{ module: ./algos.ts }")).problems,
    ).toEqual([
      '[~/run.yaml:7:22] module ./algos.ts: several functions fit: got gaeAdvantage, grpoAdvantage, expected one whose name holds "advantage" and "test-rl" or "test-advantage". Say which one with `function:`.',
    ]);
  });

  test("what cannot work is said", async () => {
    const problem = async (source: string, advantage: string): Promise<string> => (await run(source, advantage)).problems[0]!;
    expect(await problem("export const a = 1;\n", "{ module: ./algos.ts }")).toBe(
      '[~/run.yaml:7:22] module ./algos.ts: exports no function: got the exports a, expected one whose name holds "advantage". Export the function.',
    );
    expect(await problem("export const a = () => 1;\n", "{ module: ./algos.ts, function: b }")).toBe(
      "[~/run.yaml:7:22] module ./algos.ts: no function `b`: got the exports a, expected an exported function of that name.",
    );
    expect(await problem("export const a = () => 1;\n", "{ module: ./other.ts }")).toMatch(
      /^\[~\/run\.yaml:7:22\] module \.\/other\.ts: no such file: got ~\/other\.ts/,
    );
    expect(await problem("\nthrow new Error('early');\n", "{ module: ./algos.ts }")).toBe(
      "[~/run.yaml:7:22] module ./algos.ts: failed while it was loaded: got early at ~/algos.ts:2. Correct that file.",
    );
    await expect(run("export const a = (input) => ({ advantages: input.mask, returns: { shape: [3] } });\n", "{ module: ./algos.ts }")).rejects.toThrow(
      /^\[advantage custom:.*algos\.ts#a\] returns: got \[3\], expected \[B, C\] = \[2, 3\]\.$/,
    );
    await expect(run("export const a = (r, m, i) => [m];\n", "{ module: ./algos.ts }")).rejects.toThrow(ShapeError);
  });
});

describe("config.resolved.yaml", () => {
  test("loads again to the same configuration, from another folder too", async () => {
    const folder = folderWith({
      "plugin.ts": 'import { registerReward } from "@verlet/core";\nexport const r = registerReward("temporary/plugged")(() => 1);\n',
      "algos.ts": "export const compute = (r, m, i, e) => [m, m];\n",
      "run.yaml": `${rlYaml.replace("[test-exact]", "[{ name: temporary/plugged, weight: -0.5 }, { name: test-length, options: { maxLength: 9 } }]")}
plugins: [./plugin.ts]
advantage: { module: ./algos.ts, epsilon: 1.0e-3 }
optimizer: { learningRate: 3e-7, schedule: { name: cosine, warmupSteps: 3 } }
`,
    });
    const loaded = await loadConfig(`${folder}/run.yaml`, ["model.lora={}", "data.eval='5e1'", "trainer.keepBest.metric=eval/reward", "data.columns.answer=yes"]);
    expect(loaded.config.data.eval).toBe("5e1");
    const other = folderWith({ "out/config.resolved.yaml": loaded.yaml() });
    const again = await loadConfig(`${other}/out/config.resolved.yaml`);
    expect(again.config).toEqual(loaded.config);
    expect(again.yaml()).toBe(loaded.yaml());
  });

  test("holds every default", async () => {
    registerReward("temporary-many", { options: z.strictObject({ pattern: z.string().default("^a: #b$"), flags: z.array(z.string()).default([]) }) })(() => 1);
    const text = (await resolveConfig(rlYaml.replace("test-exact", "temporary-many"))).yaml();
    for (const line of ["maxRefills: 2", "minP: 0", "timeout: 60", 'pattern: "^a: #b$"', "flags: []", "clipHigh: 0.28", "epsilon: 1e-8", "resume: auto"]) {
      expect(text).toContain(line);
    }
  });
});
