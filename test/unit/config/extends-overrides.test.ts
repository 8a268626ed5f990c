import { describe, expect, test } from "vitest";
import { loadConfig, resolveConfig } from "@verlet/config";
import { folderWith, keepRegistryClean, problemsOf, rlYaml } from "./helpers.js";

keepRegistryClean();

describe("extends", () => {
  test("mappings merge key by key, lists replace, the file on top wins", async () => {
    const folder = folderWith({
      "base/base.yaml": `${rlYaml}rollout: { num_generations: 4, topK: 5 }\noptimizer: { schedule: { name: cosine, warmupRatio: 0.1 } }\n`,
      "run.yaml":
        "extends: ./base/base.yaml\nrewards: [test-length]\nrollout: { numGenerations: 6 }\noptimizer: { schedule: { name: linear } }\n",
    });
    const { config, path } = await loadConfig(`${folder}/run.yaml`);
    expect(path).toBe(`${folder}/run.yaml`);
    expect(config.rollout).toMatchObject({ numGenerations: 6, topK: 5 });
    expect(config.rewards.map(({ name }) => name)).toEqual(["test-length"]);
    expect(config.optimizer.schedule).toEqual({ name: "linear", warmupRatio: 0.1 });
  });

  test("of several files the later one wins", async () => {
    const folder = folderWith({
      "a.yaml": `${rlYaml}rollout: { topK: 1, minP: 0.1 }\n`,
      "b.yaml": "rollout: { topK: 2 }\n",
      "run.yaml": "extends: [./a.yaml, ./b.yaml]\n",
    });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.rollout).toMatchObject({ topK: 2, minP: 0.1 });
  });

  test("another name leaves the options of the one below behind, but not the section's own keys", async () => {
    const folder = folderWith({
      "base.yaml": `${rlYaml}advantage: { name: test-advantage, epsilon: 1 }\nloss: { name: test-clip, clipLow: 0.5, klCoef: 0.2 }\n`,
      "run.yaml": "extends: ./base.yaml\nadvantage: test-plain\nloss: test-bare\n",
    });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.advantage).toEqual({ name: "test-plain", options: {} });
    expect(config.loss).toMatchObject({ name: "test-bare", options: {}, klCoef: 0.2 });
  });

  test("an error keeps the file it comes from", async () => {
    const folder = folderWith({
      "base.yaml": `${rlYaml}rollout: { topK: -1, topP: 0.5 }\n`,
      "run.yaml": "extends: ./base.yaml\nrollout: { topP: 2 }\n",
    });
    expect(await problemsOf(loadConfig(`${folder}/run.yaml`), folder)).toEqual([
      "[~/run.yaml:2:18] rollout.topP: got 2, expected at most 1.",
      "[~/base.yaml:7:18] rollout.topK: got -1, expected at least 0.",
    ]);
  });

  test("circles, missing files and wrong values", async () => {
    const folder = folderWith({
      "a.yaml": "extends: ./b.yaml\n",
      "b.yaml": `${rlYaml}extends: ./a.yaml\n`,
      "missing.yaml": `${rlYaml}extends: ./nope.yaml\n`,
      "number.yaml": `${rlYaml}extends: [3]\n`,
    });
    expect(await problemsOf(loadConfig(`${folder}/a.yaml`), folder)).toEqual([
      "[~/b.yaml:7:10] `extends` goes round in a circle: got ~/a.yaml → ~/b.yaml → ~/a.yaml, expected files that do not lead back.",
    ]);
    expect(await problemsOf(loadConfig(`${folder}/missing.yaml`), folder)).toEqual([
      expect.stringMatching(/^\[~\/missing\.yaml:7:10\] cannot read the configuration: got no file at ~\/nope\.yaml, expected a YAML file\./),
    ]);
    expect(await problemsOf(loadConfig(`${folder}/number.yaml`), folder)).toEqual([
      "[~/number.yaml:7:11] extends: got 3, expected a YAML file's path, or a list of them.",
    ]);
  });
});

describe("overrides", () => {
  const withOverrides = async (...overrides: string[]) => (await resolveConfig(rlYaml, { overrides })).config;

  test("values are YAML, keys in either spelling, lists by index", async () => {
    const config = await withOverrides(
      "trainer.seed=7",
      "rollout.temperature=0.8",
      "trainer.output_dir=./there",
      "model.lora={r: 4}",
      "model.lora.alpha=8",
      "rewards.0.weight=0.5",
      "rewards.1=test-length",
      "rewards.1.options.maxLength=12",
      "data.eval=./e.jsonl",
    );
    expect(config.trainer).toMatchObject({ seed: 7, outputDir: "./there" });
    expect(config.rollout.temperature).toBe(0.8);
    expect(config.model.lora).toMatchObject({ r: 4, alpha: 8 });
    expect(config.rewards).toMatchObject([
      { name: "test-exact", weight: 0.5 },
      { name: "test-length", weight: 1, options: { maxLength: 12 } },
    ]);
    expect(config.data.eval).toBe("./e.jsonl");
  });

  test("they win over the file, whichever spelling it used, and over the algorithm's defaults", async () => {
    const { config } = await resolveConfig(`${rlYaml}rollout: { num_generations: 4 }\n`, {
      overrides: ["rollout.numGenerations=5", "loss.clipHigh=0.3", "trainer.batchSize=2"],
    });
    expect(config.rollout.numGenerations).toBe(5);
    expect(config.loss.options.clipHigh).toBe(0.3);
    expect(config.trainer.batchSize).toBe(2);
  });

  test("errors show the text of the override", async () => {
    const overrides = [
      "trainer.sede=7",
      "trainer.batchSize=none",
      "rollout.topP",
      "=3",
      "data.train.x=1",
      "rewards.5.weight=1",
      "rewards.first=1",
      "model.lora={r: 4",
      "advantage=nope",
    ];
    expect(await problemsOf(resolveConfig(rlYaml, { overrides }))).toEqual([
      expect.stringMatching(/^\[command line trainer\.sede=7\] unknown key in trainer: got `sede`, expected one of .*Did you mean `seed`\?$/),
      '[command line trainer.batchSize=none] trainer.batchSize: got "none", expected a number.',
      '[command line rollout.topP] unreadable override: got "rollout.topP", expected key.path=value, such as trainer.seed=7.',
      '[command line =3] unreadable override: got "=3", expected key.path=value, such as trainer.seed=7.',
      '[command line data.train.x=1] data.train has no keys of its own: got "./train.jsonl", expected a mapping in which `x` can be set.',
      '[command line rewards.5.weight=1] rewards is a list: got "5", expected an element\'s number, 0 to 0, or 1 to add one.',
      '[command line rewards.first=1] rewards is a list: got "first", expected an element\'s number, 0 to 0, or 1 to add one.',
      expect.stringMatching(/^\[command line model\.lora=\{r: 4\] unreadable YAML: /),
      expect.stringMatching(/^\[command line advantage=nope\] unknown advantage: got "nope"/),
    ]);
  });
});
