import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { jsonLines, output, verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-train-"));
const yaml = join(folder, "sft.yaml");

beforeAll(async () => {
  const args = ["data", "make-arithmetic", "--output", join(folder, "data"), "--sft", "32", "--rl", "4", "--test", "4", "--model", join(folder, "tiny")];
  const made = JSON.parse(await output([...args, "--json"])) as { files: Record<string, string>; model: string };
  expect(made).toEqual({ files: Object.fromEntries(["test", "rl", "sft"].map((name) => [name, join(folder, "data", `${name}.jsonl`)])), model: join(folder, "tiny") });
  const text = {
    algorithm: "sft",
    model: { path: made.model, init: "random" },
    data: { train: made.files.sft, eval: made.files.test, columns: { prompt: "question", completion: "solution" }, chatTemplate: "always" },
    trainer: { batchSize: 4, outputDir: join(folder, "out") },
    backend: "cpu",
  };
  writeFileSync(yaml, JSON.stringify(text)); // JSON is YAML
}, 120_000);

test("make-arithmetic writes the rows asked for", () => {
  const rows = (name: string): number => readFileSync(join(folder, "data", `${name}.jsonl`), "utf8").trimEnd().split("\n").length;
  expect([rows("sft"), rows("rl"), rows("test")]).toEqual([32, 4, 4]);
  expect(readdirSync(join(folder, "tiny")).sort()).toEqual(["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]);
});

test("a run tells its events as JSON lines and leaves a model folder", async () => {
  const events = await jsonLines<{ event: string; backend?: string; steps?: number }>(["train", yaml, "trainer.maxSteps=2", "--backend", "wasm", "--json"]);
  expect(events.filter(({ event }) => event !== "line").map(({ event }) => event)).toEqual(["plan", "start", "step", "step", "eval", "checkpoint", "end"]);
  // --backend stands over the file's own.
  expect(events.at(-1)).toMatchObject({ event: "end", steps: 2, backend: "wasm", interrupted: false });
  expect(readdirSync(join(folder, "out"))).toEqual(expect.arrayContaining(["config.json", "model.safetensors", "tokenizer.json", "config.resolved.yaml", "metrics.jsonl"]));
});

test("Ctrl+C ends with 130 after saving", async () => {
  const bin = fileURLToPath(new URL("../../../packages/cli/bin/verlet.js", import.meta.url));
  const out = join(folder, "interrupted");
  const child = spawn(process.execPath, [bin, "train", yaml, "trainer.maxSteps=500", `trainer.outputDir=${out}`, "backend=wasm", "--json"]);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (!text.includes('"event":"step"') && (text + chunk).includes('"event":"step"')) child.kill("SIGINT");
    text += chunk;
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(130);
  expect(JSON.parse(text.trimEnd().split("\n").at(-1)!)).toMatchObject({ event: "end", interrupted: true });
  expect(readdirSync(join(out, "checkpoints"))).toHaveLength(1);
});

test("everything wrong with a configuration at once, with 1", async () => {
  const { code, stdout, stderr } = await verlet(["train", yaml, "trainer.sede=7", "algorthm=sft"]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr.split("\n")[0]).toBe("2 errors");
  expect(stderr).toContain("[command line trainer.sede=7] unknown key in trainer: got `sede`");
  expect(stderr).toContain("Did you mean `seed`?");
  expect(stderr).toContain("Did you mean `algorithm`?");
});
