import { planText, verlTableText, type LoadedConfig, type PlanLine } from "@verlet/config";
import type { CompanionKind, Policy } from "@verlet/core";
import { withThreads, type BackendInfo } from "@verlet/backend";
import { memoryLimit } from "./memory-limit.js";
import { partsText, sizeText } from "./memory-text.js";
import type { LiveRun } from "./live-run.js";
import { runMemory, type RunShape } from "./run-memory.js";
import { warmUpLines } from "./warm-up.js";

/** What a plan says of a run, which may not be there yet. */
export interface PlannedRun {
  readonly totalSteps: number;
  /** Rows trained on. */
  readonly rows: number;
  /** Numbers that the optimizer trains. */
  readonly trained: number;
  readonly companions: readonly { readonly name: string; readonly kind: CompanionKind; readonly trained: number }[];
  /** Not known of models that a script brings. */
  readonly shape: RunShape | undefined;
}

export const plannedOf = ({ totalSteps, train, policy, companions, shape }: LiveRun): PlannedRun => ({
  totalSteps,
  rows: train.length,
  trained: trainedNumbers(policy),
  companions: companions.all.map(({ name, kind, model }) => ({ name, kind, trained: trainedNumbers(model) })),
  shape,
});

const trainedNumbers = ({ trainable }: Pick<Policy, "trainable">): number => trainable.reduce((sum, { variable }) => sum + variable.size, 0);

const kindNames: Readonly<Record<CompanionKind, string>> = { critic: "a critic", policyCopy: "a copy of the policy" };

/** A weight, its gradient and AdamW's two moments, in bytes of float32. */
const BYTES_PER_TRAINED_NUMBER = 4 * 4;

/** What the run is made of, where it computes, and what it takes. */
export function describePlan(loaded: LoadedConfig, { name, tensorflowVersion, device, threads, passedOver }: BackendInfo, run: PlannedRun): string {
  const version = tensorflowVersion ? ` (TensorFlow ${tensorflowVersion})` : "";
  const plan = planText(loaded, [
    { role: "backend", text: `${name}${version} on ${withThreads(device, threads)}` },
    ...passedOver.map(({ name, why, fix }) => ({ role: `not ${name}`, text: fix ? `${why}; ${fix}` : why })),
    ...run.companions.map(({ name, kind, trained }) => ({ role: name, text: `${kindNames[kind]}, trained beside the policy; ${trainedText(trained)}` })),
    { role: "steps", text: `${run.totalSteps} optimizer steps over ${run.rows} rows` },
    ...warmUpLines(loaded.config.optimizer.schedule, run.totalSteps),
    memoryLine(run),
  ]);
  return loaded.translation ? `${verlTableText(loaded.translation)}\n${plan}` : plan;
}

function memoryLine({ trained, shape }: PlannedRun): PlanLine {
  const line = (...texts: string[]): string => [trainedText(trained), ...texts, `${sizeText(process.memoryUsage().rss)} in use now`].join("; ");
  if (!shape) return { role: "memory", text: line("a step's activations come on top") };
  const memory = runMemory(shape);
  const limit = memoryLimit();
  const there = limit === Infinity ? "" : `, ${memory.peak > limit ? "more than" : "of"} the ${sizeText(limit)} there are`;
  return { role: "memory", text: line(`at most about ${sizeText(memory.peak)} at one time${there}`), details: partsText(memory) };
}

const trainedText = (trained: number): string => `${sizeText(trained * BYTES_PER_TRAINED_NUMBER)} for ${trained} trained numbers with gradients and moments`;
