import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SFTTrainerWrapper, TrainingConfig } from "@verlet/agents";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { reporters } from "../../../packages/agents/dist/options/reporters.js";
import { installWandb } from "../../fakes/fake-wandb.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { eventRecords } from "../../helpers/event-files.js";
import { model, questions, reply, sft, tinyTool } from "./tiny.js";

const here = process.cwd();

beforeEach(() => {
  for (const name of ["WANDB_MODE", "WANDB_PROJECT", "WANDB_NAME"]) vi.stubEnv(name, undefined);
});
afterEach(() => {
  process.chdir(here);
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const tensorboard = { name: "tensorboard" };
const wandb = { name: "wandb" };

test.each<[string, Parameters<typeof reporters>[0], object[]]>([
  ["nothing said: TensorBoard, as documented", {}, [tensorboard]],
  ["use_tensorboard: false", { useTensorboard: false }, []],
  ["use_wandb: true", { useWandb: true, wandbProject: "p", runName: "r" }, [tensorboard, { ...wandb, project: "p", runName: "r" }]],
  ["a project beside a switch that is off", { useWandb: false, useTensorboard: true, wandbProject: "agentic-rl-pipeline" }, [tensorboard]],
  ["report_to: none", { reportTo: "none" }, []],
  ["report_to: wandb", { reportTo: "wandb" }, [wandb]],
  ["report_to as a list", { reportTo: ["wandb", "tensorboard"], loggingDir: "logs" }, [{ ...tensorboard, dir: "logs" }, wandb]],
])("%s", (_, options, loggers) => expect(reporters(options)).toEqual(loggers));

describe("the tool", () => {
  test("writes event files to output_dir/runs, the last of them what the reply says", async () => {
    const out = join(tempFolder(), "out");
    const { status, metrics } = await reply(tinyTool(), sft(out));
    expect(status).toBe("success");
    const shown = eventRecords(join(out, "runs"));
    expect(shown.map(({ step }) => step)).toEqual([1, 2]);
    expect(shown[1]!.metrics.loss).toBeCloseTo((metrics as { loss: number }).loss, 6);
    expect(Object.keys(shown[1]!.metrics)).toEqual(Object.keys(metrics as object));
  });

  test("sends to Weights & Biases, under the project", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    const fake = installWandb(folder);
    process.chdir(folder);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    expect(await reply(tinyTool(), sft(out, { use_wandb: true, use_tensorboard: false, wandb_project: "mine" }))).toMatchObject({ status: "success" });
    expect([fake.init!.project, fake.init!.name, fake.rows.length, fake.finished]).toEqual(["mine", "out", 2, [0]]);
    expect(existsSync(join(out, "runs"))).toBe(false);
  });

  test("says what to install where Weights & Biases is not there, and trains nothing", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    process.chdir(folder);
    const { status, message } = await reply(tinyTool(), sft(out, { use_wandb: true }));
    expect(status).toBe("error");
    expect(message).toMatch(/^参数错误: \[logger wandb\] @wandb\/sdk is not installed; .* Run npm install @wandb\/sdk, or take tensorboard, jsonl or csv in its place\.$/);
    expect(existsSync(join(out, "metrics.jsonl"))).toBe(false);
  });

  test.each([
    ["a project without W&B", { wandb_project: "p" }, /wandbProject: got "p", expected use_wandb: true beside it/],
    ["a name without W&B", { run_name: "r" }, /runName: got "r", expected use_wandb: true beside it/],
    ["both forms", { report_to: "wandb", use_wandb: true }, /reportTo: got it beside use_wandb, expected one of them/],
    ["another service", { report_to: "mlflow" }, /report_to: got "mlflow"/],
  ])("refuses %s", async (_, more, message) => {
    const out = join(tempFolder(), "out");
    expect((await reply(tinyTool(), sft(out, more))).message).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});

test("a TrainingConfig's report_to and logging_dir", async () => {
  const folder = tempFolder();
  const [out, logs] = [join(folder, "out"), join(folder, "logs")];
  const config = new TrainingConfig({ model_name: model, output_dir: out, report_to: ["tensorboard"], logging_dir: logs, max_steps: 1, backend: "wasm" });
  await new SFTTrainerWrapper({ config, dataset: questions, console: false }).train();
  expect(eventRecords(logs)).toHaveLength(1);
  const { trainer } = parse(readFileSync(join(out, "config.resolved.yaml"), "utf8")) as { trainer: { loggers: object[] } };
  expect(trainer.loggers).toEqual([{ name: "jsonl" }, { name: "tensorboard", dir: logs }]);
});
