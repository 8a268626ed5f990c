import { describe, expect, test } from "vitest";
import { planText, resolveConfig } from "@verlet/config";
import { registerTrainer } from "@verlet/core";
import { keepRegistryClean, problemsOf } from "./helpers.js";

keepRegistryClean();

const yaml = (data: string): string => `algorithm: sft\nmodel: { path: ./m }\ndata:\n${data}`;
const read = async (data: string, overrides: string[] = []) => (await resolveConfig(yaml(data), { overrides })).config.data;
const problems = (data: string): Promise<string[]> => problemsOf(resolveConfig(yaml(data)));

describe("data.train", () => {
  test("is a path, a mapping, or a list of both; keys in either spelling", async () => {
    expect((await read("  train: hf://openai/gsm8k/main:train[:1000]")).train).toBe("hf://openai/gsm8k/main:train[:1000]");
    expect((await read("  train: { path: hf://openai/gsm8k, config: main, split: 'train[:10%]', max_samples: 5 }")).train).toEqual({ path: "hf://openai/gsm8k", config: "main", split: "train[:10%]", maxSamples: 5 });
    expect((await read("  train:\n    - ./a.jsonl\n    - { path: ./b.csv, columns: { prompt: q } }\n  eval: [./c.jsonl, { path: ./d.jsonl, name: d }]"))).toMatchObject({
      train: ["./a.jsonl", { path: "./b.csv", columns: { prompt: "q" } }],
      eval: ["./c.jsonl", { path: "./d.jsonl", name: "d" }],
    });
  });

  test("can be set on the command line, one weight too", async () => {
    const list = "  train: [{ path: a.jsonl, weight: 1 }, { path: b.jsonl, weight: 3 }]";
    expect((await read(list, ["data.train.1.weight=0.5"])).train).toEqual([{ path: "a.jsonl", weight: 1 }, { path: "b.jsonl", weight: 0.5 }]);
    expect((await read(list, ["data.train='c.jsonl[:5]'"])).train).toBe("c.jsonl[:5]");
  });

  test("stands in the plan and in the resolved YAML", async () => {
    const loaded = await resolveConfig(yaml("  train: [{ path: a.jsonl, weight: 1, split: '[:5]' }, { path: b.jsonl, weight: 3 }]\n  eval: { path: hf://o/n, split: test }"));
    expect(planText(loaded)).toMatch(/ data +a\.jsonl\[:5\] \(weight 1\) \+ b\.jsonl \(weight 3\)\n +eval=hf:\/\/o\/n:test columns=/);
    expect((await resolveConfig(loaded.yaml())).config.data).toEqual(loaded.config.data);
  });

  test.each([
    ["  train: []", "[config:4:10] data.train: got an empty list, expected at least 1 element."],
    ["  train: [{ path: a.jsonl, weight: 0 }]", "[config:4:36] data.train[0].weight: got 0, expected more than 0."],
    ["  train: [{ path: a.jsonl, wieght: 1 }]", "[config:4:28] unknown key in data.train.0: got `wieght`, expected one of path, name, config, revision, split, columns, maxSamples, weight. Did you mean `weight`?"],
    ["  train: { path: a.jsonl, weight: 1 }", /unknown key in data\.train: got `weight`/],
    ["  train: a.jsonl\n  eval: [{ path: a.jsonl, weight: 1 }]", /unknown key in data\.eval\.0: got `weight`/],
    ["  train: { split: train }", /data\.train\.path is missing: expected text/],
    ["  train: 5", "[config:4:10] data.train: got 5, expected text or a mapping or a list."],
  ])("%s is refused", async (data, words) => {
    const found = await problems(data);
    expect(found).toHaveLength(1);
    if (typeof words === "string") expect(found[0]).toBe(words);
    else expect(found[0]).toMatch(words);
  });
});

describe("data.packing and data.groupByLength", () => {
  test("are off, and set in either spelling", async () => {
    expect(await read("  train: a.jsonl")).toMatchObject({ packing: false, groupByLength: false });
    expect(await read("  train: a.jsonl\n  packing: true\n  group_by_length: true")).toMatchObject({ packing: true, groupByLength: true });
  });

  test("are refused where the algorithm does not read them, which may say so without a change elsewhere", async () => {
    const rl = "algorithm: grpo\nmodel: { path: ./m }\nrewards: [accuracy]\ndata: { train: a.jsonl, packing: true, groupByLength: true }";
    expect(await problemsOf(resolveConfig(rl))).toEqual([
      "[config:4:34] data.packing: got true with algorithm grpo, which does not read it, expected false, or an algorithm that does (sft).",
      "[config:4:55] data.groupByLength: got true with algorithm grpo, which does not read it, expected false, or an algorithm that does (sft).",
    ]);
    expect(await problemsOf(resolveConfig(rl.replaceAll("true", "false")))).toEqual([]);
    registerTrainer("temporary-packer", { reads: ["packing"] })(() => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} }));
    expect(await problemsOf(resolveConfig(yaml("  train: a.jsonl\n  packing: true\n  groupByLength: true").replace("sft", "temporary-packer")))).toEqual([
      "[config:6:18] data.groupByLength: got true with algorithm temporary-packer, which does not read it, expected false, or an algorithm that does (sft).",
    ]);
  });

  test.each([
    ["  train: a.jsonl\n  packing: yes please", '[config:5:12] data.packing: got "yes please", expected true or false.'],
    ["  train: a.jsonl\n  packing: true\n  maxLength: 1", "[config:6:14] data.maxLength: got 1, expected at least 2."],
    ["  train: [{ path: a.jsonl, weight: 1 }]\n  packing: true", "[config:5:12] data.packing: got true beside weights, which count single rows, expected data sets without weights. Take one of the two out."],
    ["  train: a.jsonl\n  groupByLength: true\n  shuffle: false", "[config:5:18] data.groupByLength: got true with data.shuffle: false, which keeps the order of the file, expected shuffle: true beside it. Take one of the two out."],
  ])("%s is refused", async (data, words) => expect(await problems(data)).toEqual([words]));

  test("packing takes a list without weights", async () => {
    expect(await problems("  train: [a.jsonl, { path: b.jsonl }]\n  packing: true")).toEqual([]);
  });
});
