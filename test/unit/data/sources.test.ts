import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSource, Row } from "@verlet/core";
import { describeSource, placeOf, readRows } from "@verlet/data";
import "@verlet/plugins/dataset-json";
import { parseSource } from "../../../packages/data/dist/data-source.js";

let folder: string;
const path = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-sources-"));
  const lines = (count: number, letter: string): string => Array.from({ length: count }, (_, i) => JSON.stringify({ q: `${letter}${i}`, gold: i })).join("\n");
  await writeFile(path("a.jsonl"), lines(10, "a"));
  await writeFile(path("b.jsonl"), lines(4, "b"));
  await writeFile(path("own.jsonl"), '{"q":"x","data_source":"mine"}\n{"q":"y","dataSource":"mine too"}\n{"q":"z"}');
  await writeFile(path("odd[:2].jsonl"), '{"q":1}');
  await writeFile(path("odd[:2]"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const questions = async (source: DataSource, options = {}): Promise<unknown[]> => (await readRows(source, options)).rows.map(({ q }) => q);

describe("a part of a file", () => {
  it("is taken after the path or as a key", async () => {
    expect(await questions(`${path("a.jsonl")}[2:4]`)).toEqual(["a2", "a3"]);
    expect(await questions(`${path("a.jsonl")}[-20%:]`)).toEqual(["a8", "a9"]);
    expect(await questions({ path: path("a.jsonl"), split: "[:1]+[9:]" })).toEqual(["a0", "a9"]);
    expect(await questions({ path: path("b.jsonl"), split: "[1:]", maxSamples: 2 })).toEqual(["b1", "b2"]);
    expect(await questions(`${path("a.jsonl")}[5:]`, { maxSamples: 1 })).toEqual(["a5"]);
  });

  it("keeps the rows' places", async () => {
    const { where } = await readRows(`${path("a.jsonl")}[7:]`);
    expect(where(0)).toBe(`${path("a.jsonl")}:8`);
  });

  it("leaves file names with brackets alone", async () => {
    expect(await questions(path("odd[:2].jsonl"))).toEqual([1]);
    await expect(readRows(path("odd[:2]"))).rejects.toThrow("odd[:2]] no dataset reader takes this file");
  });

  it.each<[string, () => DataSource, string]>([
    ["no part", () => `${path("a.jsonl")}[x]`, "this is no part of a data set: got [x]"],
    ["a part without rows", () => `${path("a.jsonl")}[10:]`, "this part of it has no rows: got [10:] of 10 rows"],
    ["a split of a file", () => ({ path: path("a.jsonl"), split: "train[:3]" }), "a file has no splits: got train, expected a part of its rows"],
    ["two splits", () => ({ path: `${path("a.jsonl")}[:1]`, split: "[:2]" }), "the split is given twice: got [:1] in the path and split: [:2]"],
    ["a configuration of a file", () => ({ path: path("a.jsonl"), config: "main" }), "config and revision belong to data sets of the hub"],
    ["a name of the hub", () => "openai/gsm8k", "For the data set of that name on the Hugging Face hub, write hf://openai/gsm8k"],
    ["an empty list", () => [], "there is no data set"],
    ["a weight for one of two", () => [{ path: path("a.jsonl"), weight: 1 }, path("b.jsonl")], "b.jsonl] no weight, beside data sets that have one"],
  ])("refuses %s", async (_, source, words) => {
    await expect(readRows(source())).rejects.toThrow(words);
  });
});

describe("names of the hub", () => {
  it.each([
    ["hf://openai/gsm8k", { path: "hf://openai/gsm8k", name: "openai/gsm8k", parts: [{}] }],
    ["hf://datasets/openai/gsm8k:test", { path: "hf://datasets/openai/gsm8k", name: "openai/gsm8k", parts: [{ split: "test" }] }],
    ["hf://openai/gsm8k@v1/main:train[:1000]+test", { path: "hf://openai/gsm8k@v1/main", name: "openai/gsm8k", parts: [{ split: "train", slice: { text: ":1000", to: { value: 1000, percent: false } } }, { split: "test" }] }],
    ["hf://o/n[:5]", { path: "hf://o/n", name: "o/n", parts: [{ slice: { text: ":5", to: { value: 5, percent: false } } }] }],
    [{ path: "hf://o/n", config: "main", revision: "refs/pr/3", split: "train" }, { path: "hf://o/n@refs%2Fpr%2F3/main", name: "o/n", parts: [{ split: "train" }] }],
  ])("%j", (source, parsed) => {
    expect(parseSource(source)).toEqual(parsed);
  });

  it("take a configuration once", () => {
    expect(() => parseSource({ path: "hf://o/n/main", config: "other" })).toThrow("config or revision is given twice");
    expect(() => parseSource("hf://o/n:train[")).toThrow('this is no split: got "train["');
  });
});

describe("several data sets", () => {
  it("say in data_source where each row is from, but not over what a row says itself", async () => {
    const { rows, sources } = await readRows([path("b.jsonl"), path("own.jsonl"), { path: path("a.jsonl"), name: "letters" }], { maxSamples: 3 });
    expect(rows.map((row) => [row.q, row.data_source, row.dataSource])).toEqual([
      ["b0", "b", undefined], ["b1", "b", undefined], ["b2", "b", undefined],
      ["x", "mine", undefined], ["y", undefined, "mine too"], ["z", "own", undefined],
      ["a0", "letters", undefined], ["a1", "letters", undefined], ["a2", "letters", undefined],
    ]);
    expect(placeOf(rows[3]!)).toBe(`${path("own.jsonl")}:1`);
    expect(sources.map(({ name, rows: own }) => [name, own.length])).toEqual([["b", 3], ["own", 3], ["letters", 3]]);
  });

  it("go by what was written where their names are the same; a single one says nothing", async () => {
    const { sources } = await readRows([{ path: path("a.jsonl"), split: "[:1]", weight: 1 }, { path: path("a.jsonl"), weight: 2 }]);
    expect(sources.map(({ name }) => name)).toEqual([`${path("a.jsonl")}[:1]`, path("a.jsonl")]);
    expect((await readRows(path("a.jsonl"))).rows[0]).toEqual({ q: "a0", gold: 0 });
  });

  it("bring columns of their own under the section's names", async () => {
    const { rows } = await readRows([{ path: path("b.jsonl"), columns: { prompt: "q", answer: "gold" }, maxSamples: 1 }, { path: path("a.jsonl"), maxSamples: 1 }], { columns: { prompt: "ask" } });
    expect(rows).toEqual([{ q: "b0", gold: 0, ask: "b0", answer: 0, data_source: "b" }, { q: "a0", gold: 0, data_source: "a" }] satisfies Row[]);
    await expect(readRows({ path: path("b.jsonl"), columns: { prompt: "Q" } })).rejects.toThrow(/b\.jsonl:1\] no column "Q": got columns q, gold, expected a column that holds the prompt\. Set columns\.prompt of this data set/);
  });

  it("are told in a line", () => {
    expect(describeSource(["a.jsonl", { path: "b.jsonl", weight: 2, split: "[:5]" }, { path: "hf://o/n", split: "train" }])).toBe("a.jsonl + b.jsonl[:5] (weight 2) + hf://o/n:train");
  });
});
