import { findPreset, listPresets, loadConfig, planText, resolveConfig, schemaJson, loadBuiltins } from "@verlet/config";
import { registerTrainer, registry, type Trainer } from "@verlet/core";
import { afterEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { folderWith, problemsOf } from "./helpers.js";

const rest = { model: { path: "./model" }, data: { train: "./train.jsonl" }, rewards: ["accuracy"] };
const restYaml = "model: { path: ./model }\ndata: { train: ./train.jsonl }\nrewards: [accuracy]\n";

describe("a preset's name stands for its keys", () => {
  test("under the user's own keys, over the trainer's defaults", async () => {
    const { config, preset } = await resolveConfig({ algorithm: "drgrpo", ...rest, loss: { clipHigh: 0.28, aggregation: "token-mean" } });
    expect(preset!.name).toBe("drgrpo");
    expect(config.algorithm).toEqual({ name: "grpo", options: {} });
    expect(config.advantage.name).toBe("drgrpo");
    expect(config.loss).toMatchObject({ name: "clip", klCoef: 0, aggregation: "token-mean", options: { clipHigh: 0.28 } });
    expect(config.optimizer.learningRate).toBe(1e-6); // grpo's default
  });

  test("options beside the name go to its trainer", async () => {
    const yaml = `algorithm: { name: drgrpo, maxRefills: 3 }\n${restYaml}`;
    expect(await problemsOf(resolveConfig(yaml))).toEqual([expect.stringMatching(/^\[config:1:28\] unknown key in algorithm: got `maxRefills`, expected one of name\./)]);
  });

  test("over what the file that names it extends", async () => {
    const folder = folderWith({
      "base.yaml": `algorithm: { name: dapo, maxRefills: 4 }\n${restYaml}advantage: { name: grpo, epsilon: 1 }\nloss: { clipHigh: 0.5 }\nrollout: { topK: 5 }\n`,
      "run.yaml": "extends: ./base.yaml\nalgorithm: drgrpo\n",
    });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect(config.algorithm).toEqual({ name: "grpo", options: {} });
    expect(config.advantage).toEqual({ name: "drgrpo", options: {} });
    expect(config.loss).toMatchObject({ aggregation: "seq-mean-token-sum-norm", options: { clipHigh: 0.5 } });
    expect(config.rollout.topK).toBe(5);
  });

  test("a file above that names another algorithm keeps nothing of it", async () => {
    const folder = folderWith({
      "preset.yaml": `algorithm: r1\n${restYaml}`,
      "plain.yaml": "extends: ./preset.yaml\nalgorithm: grpo\n",
      "other.yaml": "extends: ./preset.yaml\nalgorithm: drgrpo\nrollout: { topK: 5 }\n",
      "same.yaml": "extends: ./preset.yaml\nrollout: { topK: 5 }\n",
    });
    const plain = await loadConfig(`${folder}/plain.yaml`);
    expect(plain.preset).toBeUndefined();
    expect(plain.config).toMatchObject({ rollout: { numGenerations: 8 }, advantage: { name: "grpo" }, loss: { aggregation: "token-mean", klCoef: 0 } });
    const other = await loadConfig(`${folder}/other.yaml`);
    expect(other.preset!.name).toBe("drgrpo");
    expect(other.config).toMatchObject({ rollout: { numGenerations: 8, topK: 5 }, advantage: { name: "drgrpo" }, optimizer: { learningRate: 1e-6 } });
    const same = await loadConfig(`${folder}/same.yaml`);
    expect(same.preset!.name).toBe("r1");
    expect(same.config).toMatchObject({ rollout: { numGenerations: 16, topK: 5 }, rewards: [{ name: "accuracy" }], loss: { klCoef: 0.001 } });
  });

  test("on the command line over the file and under the other overrides, in any order", async () => {
    const yaml = `algorithm: grpo\n${restYaml}advantage: grpo\nloss: { aggregation: token-mean, klCoef: 0.1 }\n`;
    for (const overrides of [["algorithm=drgrpo", "loss.klCoef=0.2"], ["loss.klCoef=0.2", "algorithm.name=drgrpo"]]) {
      const { config, preset } = await resolveConfig(yaml, { overrides });
      expect(preset!.name).toBe("drgrpo");
      expect(config).toMatchObject({ advantage: { name: "drgrpo" }, loss: { aggregation: "seq-mean-token-sum-norm", klCoef: 0.2 } });
    }
    const { config, preset } = await resolveConfig(`algorithm: drgrpo\n${restYaml}`, { overrides: ["algorithm=grpo"] });
    expect(preset).toBeUndefined();
    expect(config.advantage.name).toBe("grpo");
  });

  test("a list that it brings can be changed by index", async () => {
    const { config } = await resolveConfig({ algorithm: "r1", model: rest.model, data: rest.data }, { overrides: ["rewards.1.weight=0.1"] });
    expect(config.rewards.map(({ name, weight }) => [name, weight])).toEqual([["accuracy", 1], ["think_format", 0.1]]);
  });

  test("an error in its keys names it", async () => {
    const yaml = `algorithm: drgrpo\n${restYaml}rollout: { numGenerations: 1 }\n`;
    expect(await problemsOf(resolveConfig(yaml))).toEqual([expect.stringMatching(/^\[config:5:28\] rollout\.numGenerations: got 1, expected at least 2, which advantage drgrpo needs\./)]);
    const sft = `algorithm: sft\n${restYaml}`;
    expect(await problemsOf(resolveConfig(sft, { overrides: ["algorithm=r1", "algorithm.name=sft"] }))).toEqual([expect.stringContaining("algorithm sft does not use `rewards`")]);
  });
});

describe("a run says so", () => {
  test("the plan names it first, and shows its keys", async () => {
    const plan = planText(await resolveConfig({ algorithm: "drgrpo", ...rest })).split("\n");
    expect(plan[1]).toMatch(/^ {2}preset +drgrpo {2}\(.*presets\/drgrpo\.yaml\)$/);
    expect(plan[2]).toMatch(/^ {2}algorithm +grpo /);
    expect(plan.join("\n")).toMatch(/aggregation=seq-mean-token-sum-norm/);
  });

  test("config.resolved.yaml names it in a comment and holds its keys; reading that gives the same run", async () => {
    const loaded = await resolveConfig({ algorithm: "drgrpo", ...rest });
    const [first, second] = loaded.yaml().split("\n");
    expect([first, second]).toEqual(["# algorithm: drgrpo (a preset), with its keys written out", "algorithm:"]);
    const again = await resolveConfig(loaded.yaml());
    expect(again.preset).toBeUndefined();
    expect(again.config).toEqual(loaded.config);
  });
});

test("an unknown algorithm is told trainers and presets, and the nearest of both", async () => {
  const [problem] = await problemsOf(resolveConfig({ algorithm: "dr-grpoo", ...rest }));
  expect(problem).toMatch(/unknown algorithm: got "dr-grpoo", expected one of .*dapo, grpo.*, or of the presets cispo, drgrpo, .*\. Did you mean "drgrpo"\?/);
  const [missing] = await problemsOf(resolveConfig(rest));
  expect(missing).toMatch(/algorithm is missing: expected one of .*grpo.*, or of the presets cispo, /);
});

describe("a plugin's algorithm", () => {
  afterEach(() => void registry.remove("trainer", "drgrpo"));

  test("cannot have a preset's name", async () => {
    registerTrainer("drgrpo")((): Trainer => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} }));
    expect(await problemsOf(resolveConfig(`algorithm: drgrpo\n${restYaml}`))).toEqual([
      expect.stringMatching(/^\[config:1:1\] algorithm drgrpo is a preset: got an algorithm of that name from .*presets\.test\.ts too, expected one meaning for each name\. Register the algorithm under another name\.$/),
    ]);
  });
});

test("editors know the presets", async () => {
  await loadBuiltins();
  const { properties } = schemaJson() as { properties: Record<string, unknown> };
  expect(JSON.stringify(properties["algorithm"])).toContain('"reinforce_plus_plus"');
});

describe.each(listPresets().map((preset) => [preset.name, preset] as const))("preset %s", (name, { yaml, doc, source }) => {
  interface Keys {
    algorithm: string;
    advantage: string;
    loss: Record<string, unknown>;
  }
  const keys = parse(yaml) as Keys;

  test("opens with what it is, in a sentence, and where it is from", () => {
    expect(findPreset(name)!.source).toBe(source);
    expect(doc).toMatch(/^[A-Z].*\.$/);
    expect(yaml).toMatch(/^# .*\n#\n# .*\d{4}/);
  });

  test("sets every part that makes the difference, so that nothing below it is left over", () => {
    expect(Object.keys(keys)).toEqual(expect.arrayContaining(["algorithm", "advantage", "loss"]));
    expect(Object.keys(keys.loss)).toEqual(expect.arrayContaining(["name", "aggregation", "klCoef"]));
    if (keys.loss["klCoef"] !== 0) expect(Object.keys(keys.loss)).toEqual(expect.arrayContaining(["klPlace", "klEstimator"]));
  });

  test("resolves to what it says", async () => {
    const { config } = await resolveConfig({ ...rest, algorithm: name });
    expect(registry.find("trainer", name)).toBeUndefined();
    const { name: lossName, options, ...loss } = config.loss;
    expect({ algorithm: config.algorithm.name, advantage: config.advantage.name }).toEqual({ algorithm: keys.algorithm, advantage: keys.advantage });
    expect({ name: lossName, ...loss, ...options }).toMatchObject(keys.loss);
  });
});
