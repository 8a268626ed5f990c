import { planText, verlTableText, type LoadedConfig } from "@verlet/config";
import type { Policy } from "@verlet/core";
import { withThreads, type BackendInfo } from "@verlet/backend";
import { memoryText } from "./memory-plan.js";
import type { LiveRun } from "./live-run.js";

/** A weight, its gradient and AdamW's two moments, in bytes of float32. */
const BYTES_PER_TRAINED_NUMBER = 4 * 4;

/** What the run is made of, where it computes, and what it takes. */
export function describePlan(loaded: LoadedConfig, { name, tensorflowVersion, device, threads, passedOver }: BackendInfo, run: LiveRun): string {
  const version = tensorflowVersion ? ` (TensorFlow ${tensorflowVersion})` : "";
  const plan = planText(loaded, [
    { role: "backend", text: `${name}${version} on ${withThreads(device, threads)}` },
    ...passedOver.map(({ name, why, fix }) => ({ role: `not ${name}`, text: fix ? `${why}; ${fix}` : why })),
    ...run.companions.all.map(({ name, kind, model }) => ({ role: name, text: `${kind}, trained beside the policy; ${memoryOf(model)}` })),
    { role: "steps", text: `${run.totalSteps} optimizer steps over ${run.train.length} rows` },
    {
      role: "memory",
      text: [
        memoryText(run.policy, loaded.config) ?? `${memoryOf(run.policy)}; a step's activations come on top`,
        `${megabytes(process.memoryUsage().rss)} in use now`,
      ].join("; "),
    },
  ]);
  return loaded.translation ? `${verlTableText(loaded.translation)}\n${plan}` : plan;
}

function memoryOf({ trainable }: Pick<Policy, "trainable">): string {
  const trained = trainable.reduce((sum, { variable }) => sum + variable.size, 0);
  return `${megabytes(trained * BYTES_PER_TRAINED_NUMBER)} for ${trained} trained numbers with gradients and moments`;
}

function megabytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
