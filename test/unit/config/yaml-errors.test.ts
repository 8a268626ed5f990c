import { expect, test } from "vitest";
import { ConfigError } from "@verlet/core";
import { loadConfig, resolveConfig } from "@verlet/config";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

async function problemsIn(yaml: string, overrides: string[] = []): Promise<string[]> {
  const folder = folderWith({ "run.yaml": yaml });
  return problemsOf(loadConfig(`${folder}/run.yaml`, overrides), folder);
}

test("a missing file", async () => {
  const folder = folderWith({});
  expect(await problemsOf(loadConfig(`${folder}/nope.yaml`), folder)).toEqual([
    `[~/nope.yaml] cannot read the configuration: got no file at ~/nope.yaml, expected a YAML file. Check the path; the working folder is ${process.cwd()}.`,
  ]);
});

test("a folder in place of a file", async () => {
  const folder = folderWith({});
  expect(await problemsOf(loadConfig(folder), folder)).toEqual([
    expect.stringMatching(/^\[~\] cannot read ~: got EISDIR: .*, expected a YAML file\.$/),
  ]);
});

test("unreadable YAML says where", async () => {
  expect(await problemsIn("algorithm: test-rl\nmodel: { path: ./m\ndata: {}\n")).toEqual([
    expect.stringMatching(/^\[~\/run\.yaml:3:1\] unreadable YAML: .*\}\.$/),
  ]);
  expect(await problemsIn("a: 1\nb: 2\na: 3\n")).toEqual(["[~/run.yaml:3:1] unreadable YAML: Map keys must be unique."]);
});

test("something that is no configuration", async () => {
  expect(await problemsIn("")).toEqual([
    "[~/run.yaml:1:1] not a configuration: got an empty file, expected a mapping that starts with `algorithm:`.",
  ]);
  expect(await problemsIn("- 1\n- 2\n")).toEqual([
    "[~/run.yaml:1:1] not a configuration: got a list of 2, expected a mapping that starts with `algorithm:`.",
  ]);
});

test("everything wrong is reported at once, in the order of the lines", async () => {
  const problems = await problemsIn(`algorithm: { name: test-rl, maxRefill: 3 }
modle: {}
model: { path: 7, lora: { r: 0, targetModules: all } }
data:
  train: ./train.jsonl
  max_samples: many
rollout: { numGenerations: 1.5, temperature: -1, topP: 0, topK: true }
rewards: [test-exact, { name: test-length, wieght: 2, options: { maxLength: long } }]
rewardManager: test-manager
advantage: { name: test-advantage, eps: 1 }
loss: { aggregation: token-men, clipHigh: high, klCoef: -1 }
optimizer: { learningRate: 0, schedule: linear }
trainer: { loggers: [test-loger], seed: abc, batchSize: 0 }
backend: tpu
`);
  expect(problems).toEqual([
    "[~/run.yaml:1:29] unknown key in algorithm: got `maxRefill`, expected one of name, maxRefills. Did you mean `maxRefills`?",
    "[~/run.yaml:2:1] unknown key: got `modle`, expected one of extends, algorithm, plugins, model, data, rollout, rewards, verifier, rewardManager, advantage, loss, optimizer, trainer, backend. Did you mean `model`?",
    "[~/run.yaml:3:16] model.path: got 7, expected text.",
    "[~/run.yaml:3:30] model.lora.r: got 0, expected at least 1.",
    '[~/run.yaml:3:48] model.lora.targetModules: got "all", expected all-linear or a list.',
    '[~/run.yaml:6:16] data.maxSamples: got "many", expected a number.',
    "[~/run.yaml:7:28] rollout.numGenerations: got 1.5, expected a whole number.",
    "[~/run.yaml:7:46] rollout.temperature: got -1, expected at least 0.",
    "[~/run.yaml:7:56] rollout.topP: got 0, expected more than 0.",
    "[~/run.yaml:7:65] rollout.topK: got true, expected a number.",
    "[~/run.yaml:8:44] unknown key in rewards[1]: got `wieght`, expected one of name, options, weight, timeout, onError. Did you mean `weight`?",
    '[~/run.yaml:8:77] rewards[1].options.maxLength: got "long", expected a number.',
    "[~/run.yaml:10:36] unknown key in advantage: got `eps`, expected one of name, epsilon.",
    '[~/run.yaml:11:22] loss.aggregation: got "token-men", expected one of token-mean, token-sum, seq-mean-token-sum, seq-mean-token-mean, seq-mean-token-sum-norm. Did you mean "token-mean"?',
    '[~/run.yaml:11:43] loss.clipHigh: got "high", expected a number.',
    "[~/run.yaml:11:57] loss.klCoef: got -1, expected at least 0.",
    "[~/run.yaml:12:28] optimizer.learningRate: got 0, expected more than 0.",
    '[~/run.yaml:12:41] optimizer.schedule: got "linear", expected a mapping.',
    expect.stringMatching(/^\[~\/run\.yaml:13:22\] unknown logger: got "test-loger", expected one of .*test-logger.*\. Did you mean "test-logger"\?/),
    '[~/run.yaml:13:41] trainer.seed: got "abc", expected a number.',
    "[~/run.yaml:13:57] trainer.batchSize: got 0, expected at least 1.",
    '[~/run.yaml:14:10] backend: got "tpu", expected one of auto, native, tfjs-node-gpu, tfjs-node, webgpu, wasm, cpu. Did you mean "cpu"?',
  ]);
});

test("names that every object has are unknown keys like any other", async () => {
  expect(await problemsIn(`${rlYaml}constructor: 1\nrollout: { toString: 2, __proto__: 3 }\n`)).toEqual([
    expect.stringContaining("[~/run.yaml:7:1] unknown key: got `constructor`"),
    expect.stringContaining("[~/run.yaml:8:12] unknown key in rollout: got `toString`"),
    expect.stringContaining("[~/run.yaml:8:25] unknown key in rollout: got `__proto__`"),
  ]);
});

test("missing sections and keys are named", async () => {
  expect(await problemsIn("algorithm: test-rl\nmodel: {}\nrewardManager: test-manager\ntrainer: { loggers: [] }\n")).toEqual([
    "[~/run.yaml:1:1] data.train is missing: expected text or a mapping or a list.",
    expect.stringMatching(/^\[~\/run\.yaml:1:1\] rewards is missing: expected a list with at least one of .*test-exact/),
    "[~/run.yaml:2:8] model.path is missing: expected text.",
  ]);
  expect(await problemsIn("model: { path: m }\ndata: { train: t }\ntrainer: { loggers: [] }\n")).toEqual([
    expect.stringMatching(/^\[~\/run\.yaml:1:1\] algorithm is missing: expected one of .*test-rl/),
  ]);
  expect(await problemsIn(rlYaml.replace("[test-exact]", "[]"))).toEqual([
    expect.stringMatching(/^\[~\/run\.yaml:4:10\] rewards: got an empty list, expected a list with at least one of/),
  ]);
});

test("sections of the wrong type", async () => {
  const problems = await problemsIn(
    "algorithm: 3\nmodel: ./m\ndata: [a]\nrewards: test-exact\nrewardManager: test-manager\nplugins: ./x.ts\ntrainer: { loggers: test-logger }\n",
  );
  expect(problems).toEqual([
    "[~/run.yaml:1:12] algorithm: got 3, expected the name of an algorithm, or a mapping with `name`.",
    '[~/run.yaml:2:8] model: got "./m", expected a mapping.',
    "[~/run.yaml:3:7] data: got a list of 1, expected a mapping.",
    expect.stringMatching(/^\[~\/run\.yaml:4:10\] rewards: got "test-exact", expected a list with at least one of/),
    '[~/run.yaml:6:10] plugins: got "./x.ts", expected a list of files and packages.',
    expect.stringMatching(/^\[~\/run\.yaml:7:21\] trainer\.loggers: got "test-logger", expected a list of/),
  ]);
});

test("an unknown name: the nearest, all known ones, and where it might come from", async () => {
  expect(await problemsIn(rlYaml.replace("test-rl", "test-lr"))).toEqual([
    expect.stringMatching(
      /^\[~\/run\.yaml:1:12\] unknown algorithm: got "test-lr", expected one of .*test-rl.*\. Did you mean "test-\w+"\? If it comes from a plugin, list that file or package under `plugins:`\.$/,
    ),
  ]);
  expect(await problemsIn(rlYaml.replace("[test-exact]", "[test-exact, test-clip]"))).toEqual([
    expect.stringMatching(/^\[~\/run\.yaml:4:23\] unknown reward: got "test-clip", expected one of .* "test-clip" is the name of a policy loss\./),
  ]);
});

test("snake_case keys are read, but not beside their camelCase form", async () => {
  const folder = folderWith({
    "run.yaml": `${rlYaml.replace("rewardManager", "reward_manager").replace("{ path: ./model }", "{ path: ./model, lora: { target_modules: [q_proj] } }")}
rollout: { num_generations: 4, max_new_tokens: 9 }
advantage: { name: test-advantage, epsilon: 0.5 }
`,
  });
  const { config } = await loadConfig(`${folder}/run.yaml`);
  expect(config.rollout.numGenerations).toBe(4);
  expect(config.rollout.maxNewTokens).toBe(9);
  expect(config.model.lora?.targetModules).toEqual(["q_proj"]);
  expect(config.rewardManager.name).toBe("test-manager");

  expect(await problemsIn(`${rlYaml}rollout:\n  numGenerations: 4\n  num_generations: 4\n`)).toEqual([
    "[~/run.yaml:9:3] one key in two spellings: got `numGenerations` and `num_generations`, expected one of them. Remove `num_generations`.",
  ]);
});

test("an option written beside a reward's weight is sent to `options:`", async () => {
  expect(await problemsIn(rlYaml.replace("[test-exact]", "[{ name: test-exact, tolerance: 1 }]"))).toEqual([
    "[~/run.yaml:4:31] unknown key in rewards[0]: got `tolerance`, expected one of name, options, weight, timeout, onError. `tolerance` is an option of test-exact: write it under `options:`.",
  ]);
});

test("one reward may stand in the list once", async () => {
  expect(await problemsIn(rlYaml.replace("[test-exact]", "[test-exact, test-length, test-exact]"))).toEqual([
    '[~/run.yaml:4:36] rewards[2].name: got "test-exact" a second time, expected each reward once (it is rewards[0] already).',
  ]);
});

test("null leaves an optional key unset and is no value for another", async () => {
  const { config } = await resolveConfig(rlYaml.replace("./train.jsonl }", "./train.jsonl, eval: null, maxSamples: ~ }"));
  expect(config.data).not.toHaveProperty("eval");
  expect(await problemsIn(`${rlYaml}rollout: { topP: ~ }\n`)).toEqual(["[~/run.yaml:7:18] rollout.topP: got null, expected a number."]);
});

test("anchors and aliases are followed; one that holds itself is an error", async () => {
  const { config } = await resolveConfig(`${rlYaml}rollout: { topK: &k 7, batchSize: *k }\n`);
  expect(config.rollout.batchSize).toBe(7);
  expect(await problemsIn(`${rlYaml}rollout: &r { topK: *r }\n`)).toContain(
    "[~/run.yaml:7:21] alias *r leads nowhere: expected an anchor before it that does not hold it.",
  );
});

test("lora and adapter exclude each other, as do the two warm-up keys", async () => {
  const yaml = `${rlYaml.replace("path: ./model", "path: ./model, adapter: ./a, lora: {}")}optimizer: { schedule: { warmupRatio: 0.1, warmupSteps: 5 } }\n`;
  expect(await problemsIn(yaml)).toEqual([
    expect.stringContaining("model.lora: got a mapping with no keys, expected no `lora` beside `adapter`"),
    "[~/run.yaml:7:57] optimizer.schedule.warmupSteps: got 5, expected only one of `warmupRatio` and `warmupSteps`.",
  ]);
});

test("from a string or an object, messages name what they were told", async () => {
  await expect(resolveConfig(`${rlYaml}foo: 1\n`, { name: "demo" })).rejects.toThrow("[demo:7:1] unknown key: got `foo`");
  const error: unknown = await resolveConfig({ algorithm: "test-sft", model: { path: "m" }, data: { train: 5 }, trainer: { loggers: [] } }).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).problems).toEqual([{ where: "config", what: "data.train", got: "5", expected: "text or a mapping or a list", fix: undefined }]);
});
