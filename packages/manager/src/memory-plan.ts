/** What a run will take in memory: the plan's lines, and the run that cannot fit. */
import { totalmem } from "node:os";
import { isNativeGpu } from "@verlet/backend";
import { needsReference, type ResolvedConfig } from "@verlet/config";
import { registry, TrainingError } from "@verlet/core";
import { CausalLM, estimateMemory, type MemoryEstimate, type MemoryQuestion } from "@verlet/model";
import type { TrainablePolicy } from "./model-source.js";

/** Rows and tokens at most: how long the data's rows really are is seen when they are drawn. */
function question({ config: model, lora }: CausalLM, { model: section, trainer, data, rollout, algorithm }: ResolvedConfig): MemoryQuestion {
  const samples = registry.get("trainer", algorithm.name).uses.includes("rollout");
  const all = trainer.batchSize * (samples ? rollout.numGenerations : 1);
  const width = samples ? data.maxPromptTokens + rollout.maxNewTokens : data.maxLength;
  return {
    config: model,
    lora,
    baseDtype: section.baseDtype,
    gradientCheckpointing: trainer.gradientCheckpointing,
    rows: trainer.microBatchSize || all,
    width,
    rollout: samples ? { rows: rollout.batchSize || all, width } : undefined,
  };
}

/** Bytes of a reference model of its own. */
const referenceBytes = (estimate: MemoryEstimate, config: ResolvedConfig, lora: unknown): number =>
  needsReference(config) && !lora ? weightBytes(estimate) : 0;

const weightBytes = ({ weights }: MemoryEstimate): number => Object.values(weights).reduce((a, b) => a + b, 0);

/** Memory of this process: the machine's, or what a container leaves it. */
const available = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

/** @returns nothing for models that a script brings: their shapes are not known */
export function memoryText(policy: TrainablePolicy, config: ResolvedConfig): string | undefined {
  if (!(policy instanceof CausalLM)) return undefined;
  const asked = question(policy, config);
  const estimate = estimateMemory(asked);
  const reference = referenceBytes(estimate, config, policy.lora);
  const { adapter, gradients, optimizer, activations, logits, rollout, peak } = estimate;
  const parts: [string, number][] = [
    ...Object.entries(estimate.weights).map(([format, bytes]): [string, number] => [`weights in ${format}`, bytes]),
    ["adapter", adapter],
    ["reference model", reference],
    ["gradients", gradients],
    ["moments", optimizer],
    [`activations of ${asked.rows} × ${asked.width} tokens`, activations],
    ["logits", logits],
    ["rollouts", rollout],
  ];
  const over = peak + reference > available() && !isNativeGpu() ? `, more than the ${size(available())} there are: lower trainer.microBatchSize or the rows' length, or set trainer.gradientCheckpointing` : "";
  return `at most about ${size(peak + reference)} at one time${over}: ${parts.filter(([, bytes]) => bytes > 0).map(([name, bytes]) => `${name} ${size(bytes)}`).join(", ")}`;
}

/**
 * The smallest that the run can be, a row of two tokens at a time, against the memory there is.
 * @throws TrainingError before the optimizer is made, naming the keys that would make it fit
 */
export function checkMemory(policy: TrainablePolicy, config: ResolvedConfig, limit = available()): void {
  if (!(policy instanceof CausalLM) || isNativeGpu()) return;
  const { lora } = policy;
  const estimate = estimateMemory({ ...question(policy, config), rows: 1, width: 2, rollout: undefined });
  const least = estimate.peak + referenceBytes(estimate, config, lora);
  if (least <= limit) return;
  const fixes = lora ? (config.model.baseDtype === "float32" ? "Set model.baseDtype to bfloat16 or int4" : "Take a smaller model") : "Set model.lora, and with it model.baseDtype";
  throw new TrainingError({
    where: "memory",
    what: "this run cannot fit",
    got: `${size(least)} for weights, gradients and moments before the first row (${size(weightBytes(estimate))} of weights)`,
    expected: `at most ${size(limit)}`,
    fix: fixes,
  });
}

function size(bytes: number): string {
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
