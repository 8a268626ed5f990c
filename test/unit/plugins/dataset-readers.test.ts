/** Every dataset reader that comes with verlet, by the contract of its kind. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, vi } from "vitest";
import "@verlet/plugins/dataset-csv";
import "@verlet/plugins/dataset-hub";
import "@verlet/plugins/dataset-json";
import "@verlet/plugins/dataset-parquet";
import { datasetReaderContract } from "../../contracts/dataset-reader.js";
import { fixture } from "../../helpers/fixtures.js";
import { HubServer } from "../../helpers/hub-server.js";

const rows = [
  { question: "1+1?", answer: "2" },
  { question: 'a "quoted", cell', answer: "two\nlines" },
  { question: "答案 é 😀", answer: " " },
  { question: "", answer: "#### 1,000" },
];
const lines = (some: readonly object[]): string => some.map((row) => `${JSON.stringify(row)}\n`).join("");

function written(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

datasetReaderContract("jsonl", (folder) => {
  const at = (name: string, content: string): string => written(folder, name, content);
  return { path: at("rows.jsonl", lines(rows)), rows, missing: join(folder, "none.ndjson"), empty: at("empty.jsonl", "\n"), broken: [at("cut.jsonl", '{"a":1}\n{"a":'), at("list.jsonl", "[1]\n")] };
});

datasetReaderContract("json", (folder) => {
  const at = (name: string, content: string): string => written(folder, name, content);
  return { path: at("rows.json", JSON.stringify(rows)), rows, missing: join(folder, "none.json"), empty: at("empty.json", "[]"), broken: [at("cut.json", '[{"a":1}'), at("object.json", "{}"), at("numbers.json", "[1]")] };
});

datasetReaderContract("csv", (folder) => {
  const at = (name: string, content: string): string => written(folder, name, content);
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const csv = `question,answer\n${rows.map(({ question, answer }) => `${cell(question)},${cell(answer)}\n`).join("")}`;
  return { path: at("rows.csv", csv), rows, missing: join(folder, "none.tsv"), empty: at("empty.csv", "question,answer\n"), broken: [at("wide.csv", "a,b\n1,2,3\n"), at("open.csv", 'a,b\n1,"2\n')] };
});

const numbered = Array.from({ length: 10 }, (_, i) => ({ question: `${i}+1?`, answer: `${i}+1=${i + 1}\n#### ${i + 1}` }));

datasetReaderContract("parquet", (folder) => {
  const file = readFileSync(fixture("data/datasets.parquet"));
  return { path: fixture("data/datasets.parquet"), rows: numbered, missing: join(folder, "none.parquet"), broken: [written(folder, "cut.parquet", file.subarray(0, 400)), written(folder, "text.parquet", "a,b\n1,2\n")] };
});

datasetReaderContract("folder", (folder) => {
  const [path, empty, mixed] = ["data", "empty", "mixed"].map((name) => join(folder, name)) as [string, string, string];
  for (const one of [path, empty, join(mixed, "train")]) mkdirSync(one, { recursive: true });
  written(path, "train.jsonl", lines(rows));
  copyFileSync(fixture("data/datasets.parquet"), join(path, "test.parquet"));
  written(mixed, "train/a.jsonl", lines(rows));
  written(mixed, "train/b.csv", "a\n1\n");
  return { path, rows, splits: { train: rows, test: numbered }, missing: join(folder, "none"), empty, broken: [mixed] };
});

const hub = new HubServer();
afterAll(async () => {
  await hub.stop();
  vi.unstubAllEnvs();
});
datasetReaderContract("hub", async (folder) => {
  const endpoint = await hub.start();
  for (const [name, value] of Object.entries({ HF_ENDPOINT: endpoint, HF_HUB_CACHE: folder, HF_TOKEN: "", HF_HUB_OFFLINE: "", HF_DATASETS_OFFLINE: "" })) vi.stubEnv(name, value);
  const add = (name: string, files: Record<string, string>): void => void hub.repos.set(name, { revisions: { main: files } });
  add("maths/sums", { "train.jsonl": lines(rows), "test.jsonl": lines(numbered) });
  add("maths/none", { "README.md": "" });
  add("maths/cut", { "train.jsonl": '{"a":' });
  return { path: "hf://maths/sums", rows, splits: { train: rows, test: numbered }, missing: "hf://maths/missing", empty: "hf://maths/none", broken: ["hf://maths/cut", "hf://maths"] };
});
