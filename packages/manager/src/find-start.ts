import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  configDifferences,
  describeDifferences,
  latestCheckpoint,
  listCheckpoints,
} from "@verlet/checkpoint";
import { CheckpointError, type Json } from "@verlet/core";
import type { LoadedConfig } from "@verlet/config";
import { parse } from "yaml";
import { CHANGEABLE_ON_RESUME, configValues } from "./run-config.js";
import { readResumePoint, type ResumePoint } from "./run-checkpoint.js";
import { runPaths } from "./run-folder.js";

/**
 * Decides how a run starts in its folder, without touching anything there.
 * @returns the checkpoint to go on from, or undefined for a run from the start.
 * @throws CheckpointError when the folder holds something that the run would overwrite or mix with.
 */
export async function findStart(loaded: LoadedConfig): Promise<ResumePoint | undefined> {
  const { outputDir, resume } = loaded.config.trainer;
  const config = configValues(loaded);
  const there = await surveyFolder(outputDir);
  if (resume !== "auto" && resume !== "never") {
    const point = await readResumePoint(resume);
    const { state } = point;
    assertSameRun(resume, state.config, config);
    if (there.newest !== undefined && there.newest > state.step) {
      const fix = "Set trainer.resume to auto to go on from the newest checkpoint, or choose another trainer.outputDir";
      throw taken(outputDir, there, `a run from step ${state.step}`, fix);
    }
    if (there.config !== undefined) assertSameRun(outputDir, there.config, config);
    else if (there.holdings.length > 0) throw taken(outputDir, there, "an empty folder", "Choose another trainer.outputDir");
    return point;
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
  const point = await readResumePoint(latest.folder);
  assertSameRun(latest.folder, point.state.config, config);
  return point;
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
    const got = (cause as Error).message.split("\n")[0]!;
    throw new CheckpointError({ where: path, what: "not readable as YAML", got, fix: "Choose another trainer.outputDir" }, { cause });
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
