import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { afterAll, describe, expect, test } from "vitest";
import { jsonLines, output, verlet } from "../cli/run-cli.js";
import { metricsOf, tinyVerl, writeRows } from "./tiny-verl.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-verl-"));
afterAll(() => rmSync(folder, { recursive: true }));
const yaml = join(folder, "verl.yaml");
writeFileSync(yaml, JSON.stringify(tinyVerl(folder))); // JSON is YAML
const plugin = join(folder, "rewards.ts");
writeFileSync(plugin, 'import { registerRewardFunction } from "@verlet/verl";\nregisterRewardFunction("test-cli-length")((input, response) => (input.length + response.length) % 7);\n');
const rewards = "verlet.rewards=[{name: test-cli-length}]";

describe("verlet verl trains", () => {
  test("with the options of VERL's script, in its spelling", async () => {
    const data = writeRows(folder, "given.jsonl");
    const out = join(folder, "given");
    const algos = join(folder, "algos.ts");
    writeFileSync(algos, "export const computeWeightedGrpoAdvantage = (rewards, mask, index, epsilon) => [rewards.mul(epsilon), rewards];\nexport const computeOther = () => [];\n");
    const args = ["verl", "--config", yaml, "--algorithm", "grpo", "--data_path", data, "--output_dir", out, "--core_algos", algos, "--core_function", "computeWeightedGrpoAdvantage", "--plugins", plugin, rewards];
    const events = await jsonLines<{ event: string; translation?: { keys: object[] }; steps?: number }>([...args, "trainer.total_training_steps=1", "--json"]);
    const [plan] = events.filter(({ event }) => event === "plan");
    expect(plan!.translation!.keys).toContainEqual({ verl: "data.train_files", ours: "data.train", value: data, written: true });
    expect(events.at(-1)).toMatchObject({ event: "end", steps: 1 });
    const resolved = parse(readFileSync(join(out, "config.resolved.yaml"), "utf8")) as { advantage: object; data: { train: string } };
    expect(resolved).toMatchObject({ data: { train: data }, advantage: { module: algos, function: "computeWeightedGrpoAdvantage" }, rewards: [{ name: "test-cli-length" }] });
    expect(metricsOf(out)).toHaveLength(1);
  }, 60_000);

  test("with the usual spelling too, and the same file by verlet train", async () => {
    const out = join(folder, "usual");
    const shown = await output(["verl", "--config", yaml, "--data-path", writeRows(folder), "--output-dir", out, "--plugins", plugin, rewards, "trainer.logger=[console]"]);
    expect(shown).toMatch(/Translated from VERL's shape\n {2}algorithm\.adv_estimator +algorithm\.name +grpo\n/);
    expect(existsSync(join(out, "model.safetensors"))).toBe(true);

    const again = join(folder, "train");
    await output(["train", yaml, `trainer.default_local_dir=${again}`, `verlet.plugins=[${plugin}]`, rewards]);
    expect(readFileSync(join(again, "model.safetensors"))).toEqual(readFileSync(join(out, "model.safetensors")));
  }, 60_000);
});

test("the lines of a main_ppo script need no file", async () => {
  const lines = ["algorithm.adv_estimator=grpo", "data.train_files=['a.parquet','b.parquet']", "actor_rollout_ref.model.path=/m", "actor_rollout_ref.rollout.n=5", "+actor_rollout_ref.rollout.engine_kwargs.vllm.x=1", 'trainer.logger=["console","wandb"]', "trainer.n_gpus_per_node=8"];
  const [shown] = await jsonLines<{ yaml: string; notes: string[] }>(["verl", ...lines, "--translate", "--json"]);
  expect(parse(shown!.yaml)).toMatchObject({ algorithm: { name: "grpo" }, model: { path: "/m" }, data: { train: ["a.parquet", "b.parquet"] }, rollout: { numGenerations: 5 } });
  expect(shown!.notes).toContainEqual(expect.stringContaining("trainer.n_gpus_per_node: no counterpart"));
});

describe("--translate", () => {
  test("prints the YAML in verlet's shape, which is the same run, and the table beside it", async () => {
    const { code, stdout, stderr } = await verlet(["verl", "--config", yaml, "--translate", "--algorithm", "dapo", "actor_rollout_ref.rollout.n=3"]);
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ algorithm: { name: "dapo" }, rollout: { numGenerations: 3 } });
    expect(stderr).toMatch(/^Translated from VERL's shape\n {2}algorithm_type +algorithm\.name +dapo\n/);
    const own = join(folder, "own.yaml");
    writeFileSync(own, stdout);
    const second = await verlet(["verl", "--config", own, "--translate"]);
    expect(second).toEqual({ code: 0, stdout, stderr: "the file is in verlet's own shape\n" });
  });
  test("as JSON", async () => {
    const [shown] = await jsonLines<{ keys: object[]; notes: string[]; yaml: string }>(["verl", "--config", yaml, "--translate", "--json", "trainer.nnodes=2"]);
    expect(shown!.notes).toEqual(["trainer.nnodes: no counterpart, everything runs on one machine, in one process"]);
    expect(shown!.keys).toContainEqual({ verl: "actor_rollout_ref.rollout.n", ours: "rollout.numGenerations", value: 2, written: true });
    expect(parse(shown!.yaml)).toMatchObject({ algorithm: { name: "grpo" } });
  });
});

describe("a wrong command line", () => {
  test("ends with 2 and says what was meant", async () => {
    const missing = await verlet(["verl"]);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toContain("nothing to train; give --config <yaml>, or VERL's keys as key=value pairs");
    expect((await verlet(["verl", "--config", yaml, "--core_algo", "x"])).stderr).toMatch(/unknown option '--core_algo'\n\(Did you mean --core[_-]algos\?\)/);
  });
  test("with 1 where the configuration is wrong", async () => {
    const { code, stderr } = await verlet(["verl", "--config", yaml, "--algorithm", "grqo", "trainer.nnode=1"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^2 errors\n/);
    expect(stderr).toContain("unknown key in VERL's trainer: got `nnode`");
    expect(stderr).toContain('[RLTrainingManager algorithm_type] unknown algorithm: got "grqo"');
  });
  test("a plugin that is not there", async () => {
    expect((await verlet(["verl", "--config", yaml, "--plugins", "./none.ts"])).stderr).toMatch(/^error \[plugin \.\/none\.ts\] no such file/);
  });
});
