import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { jsonLines, output, verlet } from "./run-cli.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-pipeline-"));
const yaml = join(folder, "pipeline.yaml");
const out = join(folder, "out");
const pipeline = {
  outputDir: out,
  config: { backend: "cpu" },
  stages: [
    { name: "data", uses: "arithmetic", sft: 16, rl: 4, test: 4 },
    {
      name: "sft",
      uses: "train",
      config: {
        algorithm: "sft",
        model: "${stages.data.model}",
        data: { train: "${stages.data.sft}", columns: { prompt: "question", completion: "solution" }, chatTemplate: "always" },
        trainer: { batchSize: 2, maxSteps: 12 },
      },
    },
    {
      name: "check",
      uses: "evaluate",
      config: { algorithm: "grpo", model: "${stages.sft.model}", data: { train: "${stages.data.rl}", eval: "${stages.data.test}", columns: { prompt: "question" }, chatTemplate: "always" }, rollout: { maxNewTokens: 2 }, rewards: ["accuracy"] },
      expect: { "eval/rewards/accuracy/mean": { min: 0.5 } },
    },
  ],
};
writeFileSync(yaml, JSON.stringify(pipeline)); // JSON is YAML

interface Event {
  event: string;
  stage?: string;
  action?: string;
  why?: string;
  interrupted?: boolean | { stage: string; where: string };
}

test("--dry-run says what would run and why, and writes nothing", async () => {
  expect((await output(["pipeline", "run", yaml, "--dry-run", "--until", "sft"])).trimEnd().split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["data", "arithmetic", "run", "it has not run yet"],
    ["sft", "train", "run", "it has not run yet"],
    ["check", "evaluate", "leave", "after --until sft"],
  ]);
  expect(readdirSync(folder)).toEqual(["pipeline.yaml"]);
  const [plan] = await jsonLines<object[]>(["pipeline", "run", yaml, "--dry-run", "--json"]);
  expect(plan![0]).toEqual({ stage: "data", uses: "arithmetic", action: "run", why: "it has not run yet" });
});

test("Ctrl+C in a training ends with 130, and the same command goes on; a threshold that is missed ends with 1", async () => {
  const args = ["pipeline", "run", yaml, "--backend", "wasm", "--json"];
  const bin = fileURLToPath(new URL("../../../packages/cli/bin/verlet.js", import.meta.url));
  const child = spawn(process.execPath, [bin, ...args]);
  let text = "";
  let remarks = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (remarks += chunk));
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    if (!text.includes('"event":"step"') && (text + chunk).includes('"event":"step"')) child.kill("SIGINT");
    text += chunk;
  });
  expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
  const events = text.trimEnd().split("\n").map((line) => JSON.parse(line) as Event);
  expect(events.filter(({ event }) => /^stage\/(start|done)$/.test(event)).map(({ event, stage }) => `${event} ${stage}`)).toEqual(["stage/start data", "stage/done data", "stage/start sft"]);
  expect(events.at(-2)).toMatchObject({ event: "end", interrupted: true, backend: "wasm" });
  expect(events.at(-1)).toMatchObject({ event: "pipeline/end", stages: ["data"], interrupted: { stage: "sft", where: expect.stringMatching(/^after step \d+ of 12$/) as string } });
  expect(remarks).toMatch(/^stopped in stage sft, after step \d+ of 12; the same command goes on from there$/m);

  const { code, stdout, stderr } = await verlet(args);
  expect(code).toBe(1);
  const again = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as Event);
  expect(again.filter(({ event }) => /^stage\/(start|skip)$/.test(event))).toMatchObject([
    { event: "stage/skip", stage: "data" },
    { event: "stage/start", stage: "sft", action: "resume", why: expect.stringMatching(/^it was stopped \(after step \d+ of 12\)$/) as string },
    { event: "stage/start", stage: "check", action: "run" },
  ]);
  expect(readFileSync(join(out, "sft/metrics.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(12);
  expect(JSON.parse(stderr)).toMatchObject({ event: "error", problems: [{ where: "stage check", got: "eval/rewards/accuracy/mean 0", expected: "eval/rewards/accuracy/mean at least 0.5" }] });
});

test("status shows what is done and measured, and run passes it over", async () => {
  const [head, ...rows] = (await output(["pipeline", "status", yaml])).trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  expect(head).toEqual(["stage", "uses", "state", "seconds"]);
  expect(rows.map(([name, uses, state]) => [name, uses, state])).toEqual([["data", "arithmetic", "done"], ["sft", "train", "done"], ["check", "evaluate", "done"]]);
  expect(rows[2]!.at(-1)).toBe("eval/rewards/accuracy/mean 0");
  const [status] = await jsonLines<{ outputDir: string; stages: { stage: string; next: string; record: { status: string } }[] }>(["pipeline", "status", yaml, "stages.sft.config.trainer.maxSteps=13", "--json"]);
  expect(status!.stages.map(({ stage, next, record }) => [stage, next, record.status])).toEqual([["data", "skip", "done"], ["sft", "run", "done"], ["check", "run", "done"]]);
  const text = await output(["pipeline", "run", yaml, "stages.check.expect.eval/rewards/accuracy/mean.min=0"]);
  expect(text).toContain("stage 2 of 3: sft (train) is passed over: done, and nothing it depends on has changed");
  expect(text).toContain("eval/rewards/accuracy/mean is 0, expected at least 0: met");
  expect(text).toContain(`all of data, sft, check are done, in ${out}`);
});

test("list shows every kind with its options and what it gives", async () => {
  const text = await output(["pipeline", "list"]);
  expect(text).toMatch(/^train\n {2}Trains as a YAML of `verlet train` says/m);
  expect(text).toMatch(/^ {2}maxSamples {2}optional {2}Use only the first rows of each\.$/m);
  const [kinds] = await jsonLines<{ name: string }[]>(["pipeline", "list", "--json"]);
  expect(kinds!.map(({ name }) => name)).toEqual(["data", "arithmetic", "train", "evaluate", "report"]);
});

test("what is wrong in the file or the command line, with 1", async () => {
  const { code, stderr } = await verlet(["pipeline", "run", yaml, "stages.sft.config.trainer.maxStep=3", "stages.check.uses=evalute"]);
  expect(code).toBe(1);
  expect(stderr.split("\n")[0]).toBe("2 errors");
  expect(stderr).toContain("Did you mean `maxSteps`?");
  expect(stderr).toContain("Did you mean `evaluate`?");
  expect(await verlet(["pipeline", "run", yaml, "--from", "sff"])).toMatchObject({ code: 1, stderr: expect.stringContaining("Did you mean `sft`?") as string });
});
