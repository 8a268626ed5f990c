import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DataError } from "@verlet/core";
import { readRows } from "@verlet/data";
import "@verlet/plugins/dataset-csv";
import "@verlet/plugins/dataset-hub";
import "@verlet/plugins/dataset-json";
import "@verlet/plugins/dataset-parquet";
import { fixture } from "../../../helpers/fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "verlet-folder-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = (count: number, letter: string): string => Array.from({ length: count }, (_, i) => `${JSON.stringify({ q: `${letter}${i}` })}\n`).join("");
function add(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}
const questions = async (source: Parameters<typeof readRows>[0], options = {}): Promise<unknown[]> => (await readRows(source, options)).rows.map(({ q, question }) => q ?? question);

describe("a folder as a data set", () => {
  it("has the splits that its files' names say, each file of its own kind", async () => {
    add({ "train.jsonl": lines(3, "a"), "dev.csv": "q\nc0\n", "config.json": "{}" });
    copyFileSync(fixture("data/datasets.parquet"), join(folder, "test.parquet"));
    expect(await questions(folder, { defaultSplit: "train" })).toEqual(["a0", "a1", "a2"]);
    expect(await questions(`${folder}:test[:2]+train[2:]`)).toEqual(["0+1?", "1+1?", "a2"]);
    expect(await questions({ path: `${folder}/`, split: "validation" })).toEqual(["c0"]);
    expect(await questions(`${folder}[-1:]`, { defaultSplit: "train" })).toEqual(["a2"]);
    expect((await readRows(`${folder}:train[1:]`)).where(0)).toBe(`${join(folder, "train.jsonl")}:2`);
  });

  it("reads the files of a split in order, also where they are links as in the hub's cache", async () => {
    add({ "data/train-00001-of-00002.jsonl": lines(1, "b"), "data/train-00000-of-00002.jsonl": lines(2, "a"), ".git/train.jsonl": lines(1, "x"), "blob": lines(1, "t") });
    symlinkSync(join(folder, "blob"), join(folder, "data/test-00000-of-00001.jsonl"));
    symlinkSync(join(folder, "nowhere"), join(folder, "data/train-00002-of-00003.jsonl"));
    expect(await questions(`${folder}:train`)).toEqual(["a0", "a1", "b0"]);
    expect(await questions(`${folder}:test`)).toEqual(["t0"]);
  });

  it("tells of broken rows in each file of a split, and goes on", async () => {
    add({ "train/1.jsonl": `{"q"\n${lines(1, "a")}`, "train/2.jsonl": `${lines(1, "b")}7\n` });
    const places: string[] = [];
    expect(await questions(folder, { broken: ({ parts }: DataError) => places.push(parts.where) })).toEqual(["a0", "b0"]);
    expect(places).toEqual([`${join(folder, "train/1.jsonl")}:1`, `${join(folder, "train/2.jsonl")}:2`]);
  });

  it("goes by its README, and takes a configuration as a key or at the end of the path", async () => {
    const configs = [{ config_name: "main", data_files: [{ split: "train", path: "one/*.jsonl" }] }, { config_name: "other", data_files: "two.csv" }];
    add({ "README.md": `---\nconfigs: ${JSON.stringify(configs)}\n---\n`, "one/x.jsonl": lines(1, "m"), "two.csv": "q\no0\n" });
    expect(await questions(join(folder, "main"))).toEqual(["m0"]);
    expect(await questions({ path: folder, config: "other", split: "train" })).toEqual(["o0"]);
    await expect(readRows(folder)).rejects.toThrow(`[${folder}] the data set has several configurations: expected one of main, other. Name it: ${folder}/main.`);
    await expect(readRows(join(folder, "mian"))).rejects.toThrow("no such file");
  });

  it.each<[string, Record<string, string>, string, RegExp]>([
    ["an empty one", {}, "", /\] the data set has no file that a dataset reader takes: got no file, expected a file for one of the readers csv, json, jsonl, parquet\.$/],
    ["what save_to_disk wrote", { "data-00000-of-00001.arrow": "", "dataset_info.json": "{}", "state.json": "{}" }, "", /got data-00000-of-00001\.arrow, dataset_info\.json, state\.json.*write it with to_parquet/],
    ["no split of several", { "train.jsonl": lines(1, "a"), "test.jsonl": lines(1, "b") }, "", /the data set has several splits: expected one of train, test\. Name it: .*:train\.$/],
    ["an unknown split", { "train.jsonl": lines(1, "a"), "test.jsonl": lines(1, "b") }, ":tset", /no such split: got tset, expected one of train, test\. Did you mean test\?/],
    ["two kinds of files for one split", { "train.jsonl": lines(1, "a"), "train.csv": "q\na0\n" }, "", /files of several kinds are one split: got train\.csv, train\.jsonl, expected files of one kind.*Name the files themselves/],
    ["a broken file", { "train.jsonl": "{" }, "", /train\.jsonl:1\] broken JSON/],
  ])("refuses %s", async (_, files, split, words) => {
    add(files);
    await expect(readRows(`${folder}${split}`)).rejects.toThrow(words);
  });

  it("has no revision", async () => {
    add({ "train.jsonl": lines(1, "a") });
    await expect(readRows({ path: folder, revision: "v1" })).rejects.toThrow("config and revision belong to data sets of the hub");
  });
});
