import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { latestCheckpoint, listCheckpoints, pruneCheckpoints, readCheckpointState, removeStaleTemporaries, restoreCompanions, restoreOptimizer, saveCheckpoint, type CheckpointParts } from "@verlet/checkpoint";
import { CheckpointError, type Optimizer } from "@verlet/core";
import { beforeEach, describe, expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";

type OptimizerState = ReturnType<Optimizer["state"]>;

const moments = Float32Array.of(0.1, -3e-39, 1 / 3, 4);
const optimizerState: OptimizerState = { step: 7, tensors: { "m.w": { shape: [2, 2], data: moments }, "v.w": { shape: [], data: Float32Array.of(2) } } };

function parts(step: number, metrics: Record<string, number> = {}): CheckpointParts {
  return {
    step,
    policy: { save: async (folder, options) => writeFile(join(folder, "model.safetensors"), `weights in ${options?.dtype}`) },
    optimizer: { state: () => optimizerState },
    rngs: { rollout: "18446744073709551615" },
    loader: { epoch: 1, position: 3 },
    kl: 0.1,
    trainer: { kept: [1, 2] },
    manager: null,
    metrics,
    config: { algorithm: { name: "fake" } },
    configYaml: "algorithm: fake\n",
  };
}

/** What an optimizer is given back, read while it may be. */
const readAll = ({ step, tensors }: OptimizerState): OptimizerState => ({ step, tensors: Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data }])) });

let root = "";
beforeEach(() => {
  root = join(tempFolder(), "checkpoints");
});

describe("saveCheckpoint", () => {
  it("gives back everything, the optimizer bit for bit", async () => {
    const folder = await saveCheckpoint(root, parts(50));
    expect(folder).toBe(join(root, "step-000050"));
    const state = await readCheckpointState(folder);
    expect(state).toMatchObject({ step: 50, rngs: { rollout: "18446744073709551615" }, loader: { epoch: 1, position: 3 }, trainer: { kept: [1, 2] } });
    let restored: OptimizerState | undefined;
    await restoreOptimizer(folder, state, { restore: (given) => (restored = readAll(given)) });
    expect(restored).toEqual(optimizerState);
    expect(await readFile(join(folder, "model.safetensors"), "utf8")).toBe("weights in float32");
    expect(await readFile(join(folder, "config.resolved.yaml"), "utf8")).toBe("algorithm: fake\n");
  });

  it("leaves nothing of a checkpoint that failed half way, and the older one as it was", async () => {
    const older = await saveCheckpoint(root, parts(1));
    const broken = { ...parts(2), optimizer: { state: () => { throw new Error("no space left on device"); } } };
    await expect(saveCheckpoint(root, broken)).rejects.toThrow(/step-000002\] the checkpoint could not be written: got no space left on device\. Check the free space/);
    expect(await readdir(root)).toEqual(["step-000001"]);
    expect((await readCheckpointState(older)).step).toBe(1);
  });

  it("keeps models beside the policy in folders of their own, with their optimizers", async () => {
    const save = async (to: string, options?: { dtype?: string }): Promise<void> => {
      await mkdir(to, { recursive: true });
      await writeFile(join(to, "model.safetensors"), `critic in ${options?.dtype}`);
    };
    const own: OptimizerState = { step: 3, tensors: { "m.head": { shape: [1], data: Float32Array.of(5) } } };
    const folder = await saveCheckpoint(root, { ...parts(2), companions: [{ name: "critic", model: { save }, optimizer: { state: () => own } }] });
    expect(await readFile(join(folder, "critic/model.safetensors"), "utf8")).toBe("critic in float32");
    const state = await readCheckpointState(folder);
    expect(Object.keys(state.files)).toEqual(expect.arrayContaining(["critic/model.safetensors", "critic/optimizer.safetensors"]));
    let weights = "";
    let restored: OptimizerState | undefined;
    const companion = (name: string) => ({ name, model: { restore: async (from: string) => void (weights = from) }, optimizer: { restore: (given: OptimizerState) => (restored = readAll(given)) } });
    await restoreCompanions(folder, state, [companion("critic")]);
    expect(weights).toBe(join(folder, "critic"));
    expect(restored).toEqual(own);
    await expect(restoreCompanions(folder, state, [companion("reward-model")])).rejects.toThrow(/the checkpoint lacks a model of this run: got critic, expected reward-model\. Resume from an older checkpoint/);
    await truncate(join(folder, "critic/model.safetensors"), 3);
    await expect(readCheckpointState(folder)).rejects.toThrow(/critic\/model\.safetensors\] the checkpoint is damaged/);
  });

  it("does not write over a checkpoint", async () => {
    await saveCheckpoint(root, parts(1, { loss: 1 }));
    await expect(saveCheckpoint(root, parts(1, { loss: 2 }))).rejects.toThrow(/a checkpoint of step 1 is already there/);
    expect((await readCheckpointState(join(root, "step-000001"))).metrics).toEqual({ loss: 1 });
  });

  it("survives a kill between writing and renaming: the unfinished one is passed over and cleared away", async () => {
    await saveCheckpoint(root, parts(1));
    // A process of its own writes the temporary folder as saveCheckpoint does and dies before the rename.
    const script = `
      import { saveCheckpoint } from "@verlet/checkpoint";
      const never = { save: async () => process.kill(process.pid, "SIGKILL") };
      await saveCheckpoint(${JSON.stringify(root)}, { step: 2, policy: never });`;
    const killed = spawnSync(process.execPath, ["--input-type=module", "-e", script], { cwd: import.meta.dirname });
    expect(killed.signal).toBe("SIGKILL");
    expect(await readdir(root)).toEqual([expect.stringMatching(/^\.step-000002\.\d+\.tmp$/), "step-000001"]);
    expect(await latestCheckpoint(root)).toEqual({ step: 1, folder: join(root, "step-000001") });
    expect(await removeStaleTemporaries(root)).toHaveLength(1);
    expect(await readdir(root)).toEqual(["step-000001"]);
  });

  it("leaves the temporary folder of a process that is still writing", async () => {
    await mkdir(join(root, `.step-000002.${process.ppid}.tmp`), { recursive: true });
    expect(await removeStaleTemporaries(root)).toEqual([]);
  });
});

describe("reading", () => {
  it("lists by step, not by name, and ignores what is no checkpoint", async () => {
    for (const step of [1_000_000, 20, 3]) await saveCheckpoint(root, parts(step));
    await mkdir(join(root, "step-12"));
    await writeFile(join(root, "step-000099"), "a file");
    expect((await listCheckpoints(root)).map(({ step }) => step)).toEqual([3, 20, 1_000_000]);
    expect(await listCheckpoints(join(root, "nowhere"))).toEqual([]);
  });

  it("tells a damaged checkpoint", async () => {
    const folder = await saveCheckpoint(root, parts(1));
    await truncate(join(folder, "optimizer.safetensors"), 10);
    await expect(readCheckpointState(folder)).rejects.toThrow(/optimizer\.safetensors\] the checkpoint is damaged: got 10 bytes, expected \d+ bytes\. Resume from an older checkpoint/);
    await rm(join(folder, "optimizer.safetensors"));
    await expect(readCheckpointState(folder)).rejects.toThrow(/got no such file, expected \d+ bytes/);
  });

  it("tells a state file that was cut or is of another format", async () => {
    const folder = await saveCheckpoint(root, parts(1));
    const path = join(folder, "state.json");
    await truncate(path, 30);
    await expect(readCheckpointState(folder)).rejects.toThrow(/state\.json\] not readable as JSON/);
    await writeFile(path, '{"format": 3}');
    await expect(readCheckpointState(folder)).rejects.toThrow(/a checkpoint of another format: got 3, expected 2\. Resume with the version of verlet that wrote it/);
    await writeFile(path, '{"format": 2}');
    await expect(readCheckpointState(folder)).rejects.toThrow(/step is not as it was written/);
  });

  it("names the checkpoints there are when a folder is none", async () => {
    const folder = await saveCheckpoint(root, parts(30));
    const missing = readCheckpointState(join(root, "step-000040"));
    await expect(missing).rejects.toThrow(CheckpointError);
    await expect(missing).rejects.toThrow(`Give one of these folders: ${folder}`);
  });

  it("reads each tensor of an optimizer when that asks for it, never all at once", async () => {
    const size = 2 ** 22; // 16 MiB
    const tensors = Object.fromEntries(["a", "b", "c", "d"].map((name, i) => [`m.${name}`, { shape: [size], data: new Float32Array(size).fill(i) }]));
    const folder = await saveCheckpoint(root, { ...parts(1), optimizer: { state: () => ({ step: 1, tensors }) } });
    const state = await readCheckpointState(folder);
    const taken: number[] = [];
    const firsts: number[] = [];
    const before = process.memoryUsage().arrayBuffers;
    await restoreOptimizer(folder, state, {
      restore: (given) => {
        for (const { data } of [{ data: [] }, ...Object.values(given.tensors)]) {
          firsts.push(...data.slice(0, 1));
          taken.push((process.memoryUsage().arrayBuffers - before) / (4 * size));
        }
      },
    });
    expect(firsts).toEqual([0, 1, 2, 3]);
    // What was given up may be collected at any time: so much at most.
    for (const [asked, most] of taken.entries()) expect(most).toBeLessThan(asked + 0.5);
  });

  it("refuses an optimizer that does not fit", async () => {
    const folder = await saveCheckpoint(root, parts(1));
    const state = await readCheckpointState(folder);
    const refuses = { restore: () => { throw new TypeError("3 parameters"); } };
    await expect(restoreOptimizer(folder, state, refuses)).rejects.toThrow(/the optimizer's state does not fit: got TypeError: 3 parameters/);
  });
});

describe("pruneCheckpoints", () => {
  const steps = async (): Promise<number[]> => (await listCheckpoints(root)).map(({ step }) => step);
  const saveAll = async (scores: Record<number, number>): Promise<void> => {
    for (const [step, score] of Object.entries(scores)) await saveCheckpoint(root, parts(Number(step), { "eval/reward": score }));
  };

  it("keeps the newest", async () => {
    await saveAll({ 1: 0, 2: 0, 3: 0 });
    const deleted = await pruneCheckpoints(root, { keepLast: 2 });
    expect(deleted).toEqual([join(root, "step-000001")]);
    expect(await readdir(root)).toEqual(["step-000002", "step-000003"]);
  });

  it.each([
    ["max", [2, 4]],
    ["min", [3, 4]],
  ] as const)("keeps the best by %s beside the newest", async (mode, kept) => {
    await saveAll({ 1: 0.5, 2: 0.9, 3: 0.1, 4: 0.6 });
    await pruneCheckpoints(root, { keepLast: 1, keepBest: { metric: "eval/reward", mode } });
    expect(await steps()).toEqual(kept);
  });

  it("takes the newer of two equally good ones, and ignores those without the metric or with NaN", async () => {
    await saveAll({ 1: 0.9, 2: 0.9, 3: NaN });
    await saveCheckpoint(root, parts(4));
    await pruneCheckpoints(root, { keepLast: 1, keepBest: { metric: "eval/reward", mode: "max" } });
    expect(await steps()).toEqual([2, 4]);
  });

  it("does not judge one it cannot read", async () => {
    await saveAll({ 1: 0.9, 2: 0.5, 3: 0.6 });
    await writeFile(join(root, "step-000001", "state.json"), "");
    await pruneCheckpoints(root, { keepLast: 1, keepBest: { metric: "eval/reward", mode: "max" } });
    expect(await steps()).toEqual([1, 3]);
  });
});
