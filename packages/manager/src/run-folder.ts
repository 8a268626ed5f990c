import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, type ChatTokenizer, type Json, type Policy, type ScoredRollout } from "@verlet/core";
import {
  checkpointName,
  CONFIG_FILE,
  configDifferences,
  describeDifferences,
  latestCheckpoint,
  listCheckpoints,
  readCheckpointState,
  removeStaleTemporaries,
  temporaryName,
  writeFileAtomic,
  type CheckpointState,
} from "@verlet/checkpoint";
import { parse } from "yaml";
import { CHANGEABLE_ON_RESUME } from "./run-config.js";

export interface ResumePoint {
  folder: string;
  state: CheckpointState;
}

/** Where the parts of a run lie in its output folder. */
export function runPaths(outputDir: string): { config: string; checkpoints: string; rollouts: string } {
  return { config: join(outputDir, CONFIG_FILE), checkpoints: join(outputDir, "checkpoints"), rollouts: join(outputDir, "rollouts") };
}

/**
 * Decides how a run starts in its folder, without touching anything there.
 * @param resume `trainer.resume`: auto, never, or a checkpoint's folder.
 * @returns the checkpoint to go on from, or undefined for a run from the start.
 * @throws CheckpointError when the folder holds something that the run would overwrite or mix with.
 */
export async function findStart(outputDir: string, resume: string, config: Json): Promise<ResumePoint | undefined> {
  const there = await surveyFolder(outputDir);
  if (resume !== "auto" && resume !== "never") {
    const state = await readCheckpointState(resume);
    assertSameRun(resume, state.config, config);
    if (there.newest !== undefined && there.newest > state.step) {
      throw taken(outputDir, there, `a run from step ${state.step}`, "Set trainer.resume to auto to go on from the newest checkpoint, or choose another trainer.outputDir");
    }
    if (there.config !== undefined) assertSameRun(outputDir, there.config, config);
    else if (there.holdings.length > 0) throw taken(outputDir, there, "an empty folder", "Choose another trainer.outputDir");
    return { folder: resume, state };
  }
  if (there.holdings.length === 0) return undefined;
  const elsewhere = "Choose another trainer.outputDir, or delete this folder if nobody needs it";
  if (resume === "never") {
    throw taken(outputDir, there, "an empty folder, as trainer.resume is never", `Set trainer.resume to auto to go on with it. ${elsewhere}`);
  }
  if (there.config === undefined) throw taken(outputDir, there, "an empty folder or a run to go on with", elsewhere);
  assertSameRun(outputDir, there.config, config);
  const latest = await latestCheckpoint(runPaths(outputDir).checkpoints);
  if (!latest) throw taken(outputDir, there, "a checkpoint to go on from", elsewhere);
  const state = await readCheckpointState(latest.folder);
  assertSameRun(latest.folder, state.config, config);
  return { folder: latest.folder, state };
}

interface Survey {
  /** The config of the run that is there, if any. */
  config?: Json;
  /** Step of its newest checkpoint. */
  newest?: number;
  /** What of value is there, in words. A run that never finished a step holds nothing. */
  holdings: string[];
}

async function surveyFolder(outputDir: string): Promise<Survey> {
  const names = await readdir(outputDir).catch(() => []);
  const { config, checkpoints } = runPaths(outputDir);
  const found = await listCheckpoints(checkpoints);
  const steps = (await readFile(join(outputDir, "metrics.jsonl"), "utf8").catch(() => "")).split("\n").filter(Boolean).length;
  const models = names.filter((name) => /^(config|adapter_config)\.json$|\.safetensors$/.test(name));
  const holdings = [
    found.length > 0 && `${found.length === 1 ? "a checkpoint" : `${found.length} checkpoints`} up to step ${found.at(-1)!.step}`,
    steps > 0 && `${steps} lines of metrics`,
    models.length > 0 && `a model (${models.join(", ")})`,
  ].filter((text) => text !== false);
  const text = await readFile(config, "utf8").catch(() => undefined);
  return {
    holdings,
    ...(text !== undefined && { config: parseConfig(config, text) }),
    ...(found.length > 0 && { newest: found.at(-1)!.step }),
  };
}

function parseConfig(path: string, text: string): Json {
  try {
    return parse(text) as Json;
  } catch (cause) {
    throw new CheckpointError({ where: path, what: "not readable as YAML", got: (cause as Error).message.split("\n")[0]!, fix: "Choose another trainer.outputDir" }, { cause });
  }
}

function assertSameRun(where: string, was: Json, now: Json): void {
  const differences = configDifferences(was, now, CHANGEABLE_ON_RESUME);
  if (differences.length === 0) return;
  throw new CheckpointError({
    where,
    what: "this belongs to a run with another config",
    got: describeDifferences(differences),
    fix: "Put these keys back to go on with that run, or start a new one in another trainer.outputDir",
  });
}

function taken(outputDir: string, { holdings }: Survey, expected: string, fix: string): CheckpointError {
  return new CheckpointError({ where: outputDir, what: "the output folder holds a run already", got: holdings.join(", "), expected, fix });
}

/** Makes the folder ready for the first step: its config written, leftovers of killed writers and of later steps gone. */
export async function openRunFolder(outputDir: string, yaml: string, startStep: number): Promise<void> {
  const { config, checkpoints, rollouts } = runPaths(outputDir);
  await mkdir(checkpoints, { recursive: true });
  await removeStaleTemporaries(outputDir);
  await removeStaleTemporaries(checkpoints);
  for (const name of await readdir(rollouts).catch(() => [])) {
    const step = Number(/^step-(\d+)\.jsonl$/.exec(name)?.[1] ?? -1);
    if (step > startStep) await rm(join(rollouts, name));
  }
  await writeFileAtomic(config, yaml);
}

/** `rollouts/step-000010.jsonl`: one line a completion. */
export async function writeRollouts(outputDir: string, step: number, rollouts: readonly (ScoredRollout & { advantage: number })[]): Promise<void> {
  const lines = rollouts.map(({ prompt, group, completion, score, rewards, advantage, finished }) =>
    JSON.stringify({ step, group, prompt: prompt.text, completion, rewards, score, advantage, finished }),
  );
  await writeFileAtomic(join(runPaths(outputDir).rollouts, `${checkpointName(step)}.jsonl`), `${lines.join("\n")}\n`);
}

/** Writes the model's folder so that a crash half way leaves whole files: beside the target first, then renamed one by one. */
export async function exportModel(folder: string, policy: Pick<Policy, "save">, tokenizer: Pick<ChatTokenizer, "save">): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temporary = temporaryName(join(folder, "model"));
  await rm(temporary, { recursive: true, force: true });
  await policy.save(temporary);
  await tokenizer.save(temporary);
  for (const name of await readdir(temporary)) await rename(join(temporary, name), join(folder, name));
  await rm(temporary, { recursive: true });
}
