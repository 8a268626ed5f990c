import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DataError } from "@verlet/core";
import { readRows } from "@verlet/data";
import "@verlet/plugins/dataset-csv";
import "@verlet/plugins/dataset-hub";
import "@verlet/plugins/dataset-json";
import "@verlet/plugins/dataset-parquet";
import { fixture } from "../../../helpers/fixtures.js";
import { HubServer, gitHash } from "../../../helpers/hub-server.js";

const lines = (count: number, letter: string): string => Array.from({ length: count }, (_, i) => `${JSON.stringify({ q: `${letter}${i}` })}\n`).join("");
const parquet = readFileSync(fixture("data/datasets.parquet"));
const readme = (configs: unknown): string => `---\nlicense: mit\nconfigs: ${JSON.stringify(configs)}\n---\n# A data set\n`;
const two = readme([
  { config_name: "main", data_files: [{ split: "train", path: "main/train-*" }, { split: "test", path: "main/test-*" }] },
  { config_name: "socratic", data_files: [{ split: "train", path: "socratic/*.jsonl" }] },
]);

let hub: HubServer;
let endpoint: string;
let cache: string;

beforeAll(async () => {
  hub = new HubServer();
  endpoint = await hub.start();
});
afterAll(() => hub.stop());

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "verlet-hub-"));
  for (const [name, value] of Object.entries({ HF_ENDPOINT: endpoint, HF_HUB_CACHE: cache, HF_TOKEN: "", HF_HUB_OFFLINE: "", HF_DATASETS_OFFLINE: "" })) vi.stubEnv(name, value);
  hub.repos.clear();
  hub.breaks.clear();
  hub.corrupt.clear();
  hub.requests.length = 0;
  hub.repos.set("maths/sums", { revisions: { main: { "README.md": two, ".gitattributes": "", "main/train-00000-of-00002.jsonl": lines(3, "a"), "main/train-00001-of-00002.jsonl": lines(2, "b"), "main/test-00000-of-00001.jsonl": lines(4, "t"), "socratic/x.jsonl": lines(1, "s") } } });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true, force: true });
});

const questions = async (source: Parameters<typeof readRows>[0], options = {}): Promise<unknown[]> => (await readRows(source, options)).rows.map(({ q }) => q);
const add = (name: string, files: Record<string, string | Buffer>, more = {}): void => void hub.repos.set(name, { revisions: { main: files }, ...more });
const downloads = (): string[] => hub.requests.filter(({ path }) => path.includes("/resolve/")).map(({ path }) => path.split("/").at(-1)!);

describe("a data set of the hub", () => {
  it("is read by configuration and split, all shards in order, and says where each row is from", async () => {
    expect(await questions("hf://maths/sums/main:train")).toEqual(["a0", "a1", "a2", "b0", "b1"]);
    expect(await questions("hf://maths/sums/main:test[-25%:]+train[:1]")).toEqual(["t3", "a0"]);
    expect(await questions({ path: "hf://maths/sums", config: "socratic", split: "train" })).toEqual(["s0"]);
    const { rows, where } = await readRows("hf://datasets/maths/sums/main", { defaultSplit: "train", maxSamples: 4 });
    expect(rows).toHaveLength(4);
    expect(where(3)).toBe(`hf://maths/sums@${hub.commit("maths/sums", "main").slice(0, 12)}/main/train-00001-of-00002.jsonl:1`);
  });

  it("gives its name to data_source in a list", async () => {
    const { rows } = await readRows([{ path: "hf://maths/sums/main", split: "test[:1]" }, { path: "hf://maths/sums/socratic", split: "train", name: "other" }]);
    expect(rows).toEqual([{ q: "t0", data_source: "maths/sums" }, { q: "s0", data_source: "other" }]);
  });

  it("is read at a revision: a branch, a commit, a pull request", async () => {
    hub.repos.set("maths/sums", { revisions: { main: { "a.jsonl": lines(1, "new") }, v1: { "a.jsonl": lines(1, "old") }, "refs/pr/2": { "a.jsonl": lines(1, "pr") } } });
    expect(await questions("hf://maths/sums@v1")).toEqual(["old0"]);
    expect(await questions(`hf://maths/sums@${hub.commit("maths/sums", "v1")}`)).toEqual(["old0"]);
    expect(await questions("hf://maths/sums@refs/pr/2:train")).toEqual(["pr0"]);
    expect(await questions({ path: "hf://maths/sums", revision: "refs/pr/2" })).toEqual(["pr0"]);
    expect(await questions("hf://maths/sums")).toEqual(["new0"]);
  });

  it("tells of each file that it downloads, and of none that is in the cache", async () => {
    const log: string[] = [];
    const read = async (): Promise<number> => (await readRows("hf://maths/sums/main:train", { log: (line) => log.push(line) })).rows.length;
    expect([await read(), await read()]).toEqual([5, 5]);
    expect(log).toEqual(["downloading main/train-00000-of-00002.jsonl of maths/sums, 33 bytes", "downloading main/train-00001-of-00002.jsonl of maths/sums, 22 bytes"]);
    add("maths/large", { "train.csv": `q\n${"x".repeat(1_234_567)}\n` });
    await readRows("hf://maths/large", { log: (line) => log.push(line) });
    expect(log.at(-1)).toBe("downloading train.csv of maths/large, 1.2 MB");
  });

  it("tells of broken rows by their place on the hub, and goes on", async () => {
    add("maths/slips", { "train.jsonl": `${lines(1, "a")}{"q"\n${lines(1, "b")}` });
    const places: string[] = [];
    expect(await questions("hf://maths/slips", { broken: ({ parts }: DataError) => places.push(parts.where) })).toEqual(["a0", "b0"]);
    expect(places).toEqual([`hf://maths/slips@${hub.commit("maths/slips", "main").slice(0, 12)}/train.jsonl:2`]);
  });

  it("may be one file of it, in the form that Python has for it", async () => {
    add("maths/files", { "data/sums.parquet": parquet, "other/rows.csv": "q\nc0\n" }, { lfs: ["data/sums.parquet"] });
    expect((await readRows("hf://datasets/maths/files/data/sums.parquet[:1]")).rows).toEqual([{ question: "0+1?", answer: "0+1=1\n#### 1" }]);
    expect(await questions("hf://maths/files/other/rows.csv")).toEqual(["c0"]);
  });

  it.each<[string, Record<string, string>, Record<string, string[]>]>([
    ["shards under data/", { "data/train-00000-of-00001.jsonl": "r", "data/my_split-00000-of-00001.jsonl": "s", "extra.jsonl": "x" }, { train: ["r0"], my_split: ["s0"] }],
    ["folders", { "training/1.jsonl": "r", "x/test/2.jsonl": "t", "dev/3.jsonl": "v" }, { train: ["r0"], test: ["t0"], validation: ["v0"] }],
    ["file names", { "sums-train.jsonl": "r", "sums_val.jsonl": "v", "contest.jsonl": "x" }, { train: ["r0"], validation: ["v0"] }],
    ["nothing", { "b.jsonl": "b", "a.jsonl": "a", "dataset_infos.json": "x", ".hidden/c.jsonl": "c" }, { train: ["a0", "b0"] }],
    ["the most frequent kind", { "a.jsonl": "a", "b.jsonl": "b", "c.csv": "c" }, { train: ["a0", "b0"] }],
  ])("has splits by %s where the README gives none", async (_, files, splits) => {
    add("maths/plain", Object.fromEntries(Object.entries(files).map(([path, letter]) => [path, lines(1, letter)])));
    for (const [split, expected] of Object.entries(splits)) expect(await questions(`hf://maths/plain:${split}`)).toEqual(expected);
  });

  it("takes what the README names, of whatever kind, in its order", async () => {
    add("maths/kinds", { "README.md": readme([{ config_name: "default", data_files: [{ split: "train", path: ["z.jsonl", "*.csv"] }] }]), "a.csv": "q\nc0\n", "b.csv": "q\nc1\n", "z.jsonl": lines(1, "z") });
    expect(await questions("hf://maths/kinds")).toEqual(["z0", "c0", "c1"]);
  });

  it("follows data_dir, lists of patterns, and the configuration marked as default", async () => {
    add("maths/dirs", { "README.md": readme([{ config_name: "2023.en", data_dir: "x" }, { config_name: "y", data_files: ["y/{a,b}.jsonl"], default: true }]), "x/test.jsonl": lines(1, "x"), "y/a.jsonl": lines(1, "a"), "y/b.jsonl": lines(1, "b"), "y/c.jsonl": lines(1, "c") });
    expect(await questions("hf://maths/dirs")).toEqual(["a0", "b0"]);
    expect(await questions("hf://maths/dirs/2023.en")).toEqual(["x0"]);
  });

  it("with files that nothing here reads is taken from the hub's Parquet branch", async () => {
    hub.repos.set("maths/script", { revisions: { main: { "script.py": "print()" }, "refs/convert/parquet": { "easy/train/0000.parquet": parquet, "easy/test/0000.parquet": parquet, "hard/partial-train/0000.parquet": parquet } } });
    expect((await readRows("hf://maths/script/easy:train")).rows).toHaveLength(10);
    expect((await readRows("hf://maths/script/hard:train[:2]")).rows).toHaveLength(2);
    await expect(readRows("hf://maths/script:train")).rejects.toThrow("the data set has several configurations: expected one of easy, hard. Name it: hf://maths/script/easy");
  });
});

describe("the cache", () => {
  it("is laid out as Python's, and a second reading downloads nothing", async () => {
    add("maths/large", { "train.jsonl": lines(5, "a"), "README.md": "# x" }, { lfs: ["train.jsonl"] });
    await questions("hf://maths/large");
    const root = join(cache, "datasets--maths--large");
    const commit = hub.commit("maths/large", "main");
    expect(readFileSync(join(root, "refs/main"), "utf8")).toBe(commit);
    const sha256 = createHash("sha256").update(lines(5, "a")).digest("hex");
    expect(readlinkSync(join(root, "snapshots", commit, "train.jsonl"))).toBe(`../../blobs/${sha256}`);
    expect(readdirSync(join(root, "blobs")).sort()).toEqual([sha256, gitHash(Buffer.from("# x"))].sort());
    const before = downloads().length;
    expect(await questions("hf://maths/large")).toHaveLength(5);
    expect(downloads()).toHaveLength(before);
  });

  it("keeps the old commit, and takes from it what has not changed", async () => {
    add("maths/news", { "train.jsonl": lines(1, "a"), "test.jsonl": lines(1, "t") });
    await questions("hf://maths/news:train+test");
    add("maths/news", { "train.jsonl": lines(2, "b"), "test.jsonl": lines(1, "t") });
    hub.requests.length = 0;
    expect(await questions("hf://maths/news:train+test")).toEqual(["b0", "b1", "t0"]);
    expect(new Set(downloads())).toEqual(new Set(["train.jsonl"]));
    expect(readdirSync(join(cache, "datasets--maths--news/snapshots"))).toHaveLength(2);
  });

  it("serves HF_HUB_OFFLINE without one request", async () => {
    await questions("hf://maths/sums/main:train");
    hub.requests.length = 0;
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await questions("hf://maths/sums/main:train[:2]")).toEqual(["a0", "a1"]);
    await expect(readRows("hf://maths/sums/main:test")).rejects.toThrow(/main\/test-00000-of-00001\.jsonl is not in the cache: got HF_HUB_OFFLINE, and the cache .*datasets--maths--sums\. Run the command once with the hub in reach/);
    await expect(readRows("hf://maths/other")).rejects.toThrow("the data set is not in the cache: got HF_HUB_OFFLINE");
    await expect(readRows("hf://maths/sums@v9/main:train")).rejects.toThrow("the data set is not in the cache");
    expect(hub.requests).toEqual([]);
  });

  it("as Python left it is read offline too, but not a half of it", async () => {
    await questions("hf://maths/sums/main:train");
    const root = join(cache, "datasets--maths--sums");
    rmSync(join(root, ".verlet"), { recursive: true });
    vi.stubEnv("HF_DATASETS_OFFLINE", "yes");
    expect(await questions("hf://maths/sums/main:train")).toHaveLength(5);
    rmSync(join(root, "snapshots", hub.commit("maths/sums", "main"), "main/train-00001-of-00002.jsonl"));
    await expect(readRows("hf://maths/sums/main:train")).rejects.toThrow("only 1 of the 2 parts of main/train are in the cache");
  });
});

describe("downloads", () => {
  it("that break off are asked for again", async () => {
    hub.breaks.set("socratic/x.jsonl", 2);
    expect(await questions("hf://maths/sums/socratic:train")).toEqual(["s0"]);
  });

  it("that keep breaking off leave nothing that could pass for the file, and the next run goes on", async () => {
    hub.breaks.set("main/train-00001-of-00002.jsonl", 3);
    await expect(readRows("hf://maths/sums/main:train")).rejects.toThrow(/\[hf:\/\/maths\/sums\/main\] the download of main\/train-00001-of-00002\.jsonl broke off, 3 times: got .*expected 22 bytes\. Run the command again/);
    const root = join(cache, "datasets--maths--sums");
    expect(existsSync(join(root, "snapshots", hub.commit("maths/sums", "main"), "main/train-00001-of-00002.jsonl"))).toBe(false);
    expect(readdirSync(join(root, "blobs")).filter((name) => name.includes("incomplete"))).toEqual([]);
    hub.requests.length = 0;
    expect(await questions("hf://maths/sums/main:train")).toHaveLength(5);
    expect(new Set(downloads())).toEqual(new Set(["train-00001-of-00002.jsonl"]));
  });

  it.each([[true], [false]])("with other contents than announced are refused (LFS: %s)", async (large) => {
    add("maths/bad", { "train.jsonl": lines(3, "a") }, large ? { lfs: ["train.jsonl"] } : {});
    hub.corrupt.add("train.jsonl");
    await expect(readRows("hf://maths/bad")).rejects.toThrow("its contents are not those that the hub announced");
  });
});

describe("the token", () => {
  it("goes to the hub with every request, and only where one is set", async () => {
    add("maths/secret", { "train.jsonl": lines(1, "a") }, { token: "hf_right" });
    vi.stubEnv("HF_TOKEN", " hf_right\n");
    expect(await questions("hf://maths/secret")).toEqual(["a0"]);
    expect(new Set(hub.requests.map(({ token }) => token))).toEqual(new Set(["hf_right"]));
    vi.stubEnv("HF_TOKEN", "");
    hub.requests.length = 0;
    await questions("hf://maths/sums/main:test");
    expect(new Set(hub.requests.map(({ token }) => token))).toEqual(new Set([undefined]));
  });
});

describe("is refused in words:", () => {
  it.each<[string, string, string, RegExp]>([
    ["a data set that is not there", "hf://maths/none", "", /\[hf:\/\/maths\/none\] no such data set, or one that asks for an account: got status 401 from http.*Check the name maths\/none; for a private or gated data set set HF_TOKEN\./],
    ["one that is not there for an account", "hf://maths/none", "hf_x", /no such data set: got status 404/],
    ["a private one with the wrong token", "hf://maths/secret", "hf_wrong", /the hub does not take HF_TOKEN for this data set: got status 401/],
    ["a gated one", "hf://maths/gated", "hf_x", /the account of HF_TOKEN may not read this data set: got status 403.*Ask for access at http.*\/datasets\/maths\/gated/],
    ["a hub in trouble", "hf://maths/busy", "", /the hub does not answer as it should: got status 503.*Try again later/],
    ["something that is no token", "hf://maths/sums", "secret", /HF_TOKEN is no token of the hub: got something else\. A token starts with hf_/],
    ["a revision that is not there", "hf://maths/sums@v7", "", /no such revision: got status 404.*Check the revision v7/],
    ["no configuration of several", "hf://maths/sums:train", "", /the data set has several configurations: expected one of main, socratic\. Name it: hf:\/\/maths\/sums\/main/],
    ["a wrong configuration", "hf://maths/sums/socratc:train", "", /no such configuration: got socratc, expected one of main, socratic\. Did you mean socratic\?/],
    ["a file that is not there", "hf://maths/code/b.jsonl", "", /no such file in the data set: got b\.jsonl, expected a configuration, or one of a\.py/],
    ["a wrong split", "hf://maths/sums/main:tset", "", /\[hf:\/\/maths\/sums\/main\] no such split: got tset, expected one of train, test\. Did you mean test\?/],
    ["no split of several", "hf://maths/sums/main", "", /the data set has several splits: expected one of train, test\. Name it: hf:\/\/maths\/sums\/main:train/],
    ["a split whose files are gone", "hf://maths/empty:test", "", /no file of this split is there: got test/],
    ["a data set without data", "hf://maths/code", "", /the data set has no file that a dataset reader takes: got a\.py, expected a file for one of the readers .*csv.*parquet/],
    ["a README that cannot be read", "hf://maths/broken", "", /the front matter of README\.md is broken \(Flow sequence .*\): expected YAML/],
    ["a name without its owner", "hf://gsm8k", "", /this names no data set of the hub: got gsm8k, expected hf:\/\/owner\/name/],
    ["a path that leads out of it", "hf://maths/evil", "", /a file's path leads out of the data set: got "\.\.\/x\.jsonl"\. Do not use this data set/],
  ])("%s", async (_, path, token, words) => {
    vi.stubEnv("HF_TOKEN", token);
    add("maths/secret", { "a.jsonl": "{}" }, { token: "hf_right" });
    add("maths/gated", {}, { status: 403 });
    add("maths/busy", {}, { status: 503 });
    add("maths/broken", { "README.md": "---\nconfigs: [\n---\n", "a.jsonl": "{}" });
    add("maths/code", { "a.py": "" });
    add("maths/evil", { "../x.jsonl": "{}" });
    add("maths/empty", { "README.md": readme([{ config_name: "default", data_files: [{ split: "train", path: "a*" }, { split: "test", path: "b*" }] }]), "a.jsonl": lines(1, "a") });
    const reading = readRows(path);
    await expect(reading).rejects.toThrow(DataError);
    await expect(reading).rejects.toThrow(words);
  });

  it("a hub that cannot be reached, with the way to the cache where the data set is in it", async () => {
    await questions("hf://maths/sums/main:test");
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9/");
    await expect(readRows("hf://maths/other")).rejects.toThrow(/the hub cannot be reached: got http:\/\/127\.0\.0\.1:9: .+\. Check the network; HF_ENDPOINT names another hub/);
    await expect(readRows("hf://maths/sums/main:test")).rejects.toThrow("The cache has this data set: HF_HUB_OFFLINE=1 reads it from there");
  });
});
