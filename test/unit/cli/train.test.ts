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

test("--plan prints what a run prints before its first step, and writes nothing; with 1 where it cannot fit", async () => {
  const out = `trainer.outputDir=${join(folder, "planned")}`;
  const text = await output(["train", yaml, "--plan", out]);
  expect(text).toMatch(/^data: 32 rows read.*\nPlan of .*sft\.yaml\n[^]*\n +steps +8 optimizer steps over 32 rows\n +memory +6\.5 MiB for 429056 trained numbers with gradients and moments; at most about [\d.]+ MiB at one time, of the [\d.]+ GiB there are; .*\n +weights in float32 1\.6 MiB, gradients 1\.6 MiB, moments 3\.3 MiB, activations of 4 × \d+ tokens /);
  const [line, plan, ...rest] = await jsonLines<{ event: string; memory?: { peakBytes: number; availableBytes: number } }>(["train", yaml, "--plan", out, "--json"]);
  expect([line!.event, plan!.event, rest]).toEqual(["line", "plan", []]);
  expect(plan!.memory!.peakBytes).toBeLessThan(plan!.memory!.availableBytes);

  const { code, stdout, stderr } = await verlet(["train", yaml, "--plan", out, "trainer.batchSize=10000000"]);
  expect(code).toBe(1);
  expect(stdout).toContain("more than the");
  expect(stderr).toMatch(/^error \[memory\] this run cannot fit: .* Set .*trainer\.microBatchSize: \d+ \(/);
  const warned = await output(["train", yaml, "--plan", out, "trainer.batchSize=10000000", "trainer.memoryCheck=warn"]);
  expect(warned).toMatch(/\nmemory: this run may not fit: .*\n$/);
  expect(readdirSync(folder)).not.toContain("planned");
}, 60_000);

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
