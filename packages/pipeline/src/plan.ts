/** Which stages of a pipeline would run, and why. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { CheckpointError, ConfigError } from "@verlet/core";
import { describeChange, inputsOf } from "./inputs.js";
import type { Pipeline, Stage } from "./load-pipeline.js";
import { unknownStage } from "./read-pipeline.js";
import { readRecord, type StageRecord } from "./records.js";

export interface PlanOptions {
  /** Run this stage and all after it, done or not; those before it are taken as they are. */
  from?: string;
  /** The last stage to run. */
  until?: string;
}

/** skip: its result is there; run: from its beginning; resume: from where it stopped; leave: after `until`. */
export type Action = "skip" | "run" | "resume" | "leave";

export interface PlannedStage {
  readonly stage: Stage;
  readonly action: Action;
  readonly why: string;
  /** Of its last run. */
  readonly record: StageRecord | undefined;
}

/**
 * Looks at what is there; changes nothing.
 * @throws ConfigError for a stage's name that is none, and for `from` with stages before it that are not done; CheckpointError for a damaged record, and for a folder that no record speaks of.
 */
export async function planPipeline({ stages, outputDir }: Pipeline, { from, until }: PlanOptions = {}): Promise<PlannedStage[]> {
  const names = stages.map(({ name }) => name);
  const [first, last] = [indexOf("--from", from, names, 0), indexOf("--until", until, names, names.length - 1)];
  if (first > last) throw new ConfigError({ where: `--from ${from}`, what: "it would end before it begins", got: `--until ${until}`, expected: `${from} or a stage after it` });
  const planned: PlannedStage[] = [];
  for (const [i, stage] of stages.entries()) {
    const record = await readRecord(outputDir, stage.name);
    if (!record) await requireFree(stage);
    const decision = i > last ? ({ action: "leave", why: `after --until ${until}` } as const) : i < first ? taken(stage, record, from!) : await decide(stage, record, planned, from);
    planned.push({ stage, record, ...decision });
  }
  return planned;
}

type Decision = Pick<PlannedStage, "action" | "why">;

async function decide({ prepared }: Stage, record: StageRecord | undefined, before: readonly PlannedStage[], from: string | undefined): Promise<Decision> {
  if (!record) return { action: "run", why: "it has not run yet" };
  const running = before.find(({ action }) => action === "run" || action === "resume");
  if (running) return { action: "run", why: `${running.stage.name} runs before it` };
  const previous = before.at(-1)?.record?.id ?? null;
  // What a run with --from left behind is newer than the stages before it were.
  if (record.after !== previous) return { action: "run", why: before.length === 0 ? "a stage stood before it when it ran" : `${before.at(-1)!.stage.name} has run again since` };
  const change = describeChange(record.inputs, await inputsOf(prepared));
  if (change !== undefined) return { action: "run", why: change };
  if (record.status !== "done") {
    const reason = record.status === "running" ? "it was not finished" : `it was ${record.status === "failed" ? "ended by an error" : "stopped"}${record.reason ? ` (${record.reason})` : ""}`;
    return (await prepared.canResume?.()) ? { action: "resume", why: reason } : { action: "run", why: reason };
  }
  const gone = record.products.find((path) => !existsSync(path));
  if (gone !== undefined) return { action: "run", why: `${gone} is gone` };
  return from === undefined ? { action: "skip", why: "done, and nothing it depends on has changed" } : { action: "run", why: `--from ${from}` };
}

/** A stage before `from` must have left its result. */
function taken({ name, uses }: Stage, record: StageRecord | undefined, from: string): Decision {
  const gone = record?.products.find((path) => !existsSync(path));
  if (record?.status === "done" && record.uses === uses && gone === undefined) return { action: "skip", why: `before --from ${from}: taken as it is` };
  const unfinished = record && `it is ${record.status === "running" ? "not finished" : record.status}`;
  const other = record && record.uses !== uses ? `a stage of that name that was ${record.uses}` : unfinished;
  const got = !record ? "it has not run yet" : gone !== undefined ? `${gone} is gone` : other!;
  throw new ConfigError({ where: `--from ${from}`, what: `stage ${name}, before it, is not done`, got, expected: "its result", fix: "Leave --from out: the stages that are needed then run" });
}

function indexOf(flag: string, name: string | undefined, names: readonly string[], otherwise: number): number {
  if (name === undefined) return otherwise;
  const index = names.indexOf(name);
  if (index < 0) throw unknownStage(`${flag} ${name}`, name, names);
  return index;
}

/** A stage that never ran has no folder; one that is there belongs to something else. */
async function requireFree({ name, folder }: Stage): Promise<void> {
  const there = await readdir(folder).catch(() => []);
  if (there.length === 0) return;
  throw new CheckpointError({
    where: folder,
    what: `stage ${name} would write here, and no record says that it did before`,
    got: there.slice(0, 6).join(", "),
    expected: "an empty folder",
    fix: "Choose another outputDir, or delete this folder if nobody needs it",
  });
}

/** Refuses a plan whose stages read what is not there and what no stage makes. @throws ConfigError naming all of it. */
export function requireFiles(plan: readonly PlannedStage[], outputDir: string): void {
  const own = resolve(outputDir) + sep;
  const wanted = plan.filter(({ action }) => action === "run" || action === "resume").flatMap(({ stage }) => stage.prepared.files.map((path) => ({ name: stage.name, path })));
  const missing = wanted.filter(({ path }) => !resolve(path).startsWith(own) && !existsSync(path));
  if (missing.length === 0) return;
  throw new ConfigError(missing.map(({ name, path }) => ({ where: `stage ${name}`, what: "what it reads is not there", got: `nothing at ${path}`, expected: "a file or folder", fix: fixFor(path) })));
}

function fixFor(path: string): string {
  const isHubName = /^[\w-]+\/[\w.-]+$/.test(path);
  return isHubName ? `For the model of that name on the Hugging Face hub: hf download ${path} --local-dir ${path}` : "Check the path; relative ones start where the command is run";
}
