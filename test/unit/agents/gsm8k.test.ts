/** "gsm8k" by its name, from a hub on this machine that holds it as the real one does. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRlDataset, GSM8KDataset, RLTrainingTool } from "@verlet/agents";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { HubServer } from "../../helpers/hub-server.js";
import { grpo, model, questions, reply } from "./tiny.js";

const hub = new HubServer();
const cache = mkdtempSync(join(tmpdir(), "verlet-hub-"));
const configs = [{ config_name: "main", data_files: [{ split: "train", path: "main/train-*" }, { split: "test", path: "main/test-*" }] }, { config_name: "socratic", data_files: "socratic/*" }];
const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

beforeAll(async () => {
  const settings = { HF_ENDPOINT: await hub.start(), HF_HUB_CACHE: cache, HF_TOKEN: "", HF_HUB_OFFLINE: "", HF_DATASETS_OFFLINE: "" };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  const readme = `---\nconfigs: ${JSON.stringify(configs)}\n---\n`;
  hub.repos.set("openai/gsm8k", { revisions: { main: { "README.md": readme, "main/train-00000-of-00001.jsonl": lines(questions), "main/test-00000-of-00001.jsonl": lines(questions.slice(2)), "socratic/x.jsonl": lines([{ question: "?", answer: "0" }]) } } });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(cache, { recursive: true });
});

test("is loaded by split and part", async () => {
  const tool = new RLTrainingTool();
  expect(await reply(tool, { action: "load_dataset" })).toMatchObject({ status: "success", split: "train", dataset_size: 4, sample_keys: ["prompt", "completion", "text"], dataset: "hf://openai/gsm8k/main:train" });
  expect(await reply(tool, { action: "load_dataset", format: "rl", split: "test" })).toMatchObject({ split: "test", dataset_size: 2, sample_keys: ["prompt", "ground_truth", "question", "full_answer"] });
  expect(await reply(tool, { action: "load_dataset", split: "train[:1]" })).toMatchObject({ dataset_size: 1 });
  expect(await reply(tool, { action: "load_dataset", split: "valid" })).toMatchObject({ status: "error", message: expect.stringContaining("[hf://openai/gsm8k/main") as string });
  expect((await createRlDataset({ split: "test" })).map(({ ground_truth }) => ground_truth)).toEqual(["17", "1,200"]);
  expect(await new GSM8KDataset({ maxSamples: 3 }).load()).toHaveLength(3);
});

test("its downloads are told on standard error, in training where its own lines go, and nowhere where the console is off", async () => {
  const fresh = (): void => void vi.stubEnv("HF_HUB_CACHE", tempFolder());
  const written: string[] = [];
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    fresh();
    await createRlDataset({ split: "test" });
    expect(written).toEqual([expect.stringMatching(/^downloading main\/test-00000-of-00001\.jsonl of openai\/gsm8k, \d+ bytes\n$/)]);
    written.length = 0;
    fresh();
    const lines: string[] = [];
    const tool = new RLTrainingTool({ console: false, loggers: [{ step: () => undefined, line: (text) => void lines.push(text) }] });
    await reply(tool, { action: "load_dataset" });
    fresh();
    await reply(tool, grpo(join(tempFolder(), "out"), { eval_steps: 1 }));
    expect(lines.filter((text) => /^downloading .*\.jsonl/.test(text))).toHaveLength(2);
    expect(written.filter((text) => text.startsWith("downloading"))).toEqual([]);
  } finally {
    write.mockRestore();
    vi.stubEnv("HF_HUB_CACHE", cache);
  }
});

test("is trained and evaluated on by default", async () => {
  const out = join(tempFolder(), "out");
  const tool = new RLTrainingTool({ console: false });
  expect(await reply(tool, grpo(out, { eval_steps: 1 }))).toMatchObject({ status: "success", num_samples: 4, evaluation: { "eval/rewards/agents/accuracy/mean": expect.any(Number) as number } });
  expect(await reply(tool, { action: "evaluate", model_path: model, max_new_tokens: 2, backend: "wasm" })).toMatchObject({ status: "success", num_samples: 2, dataset: "hf://openai/gsm8k/main:test" });
});
