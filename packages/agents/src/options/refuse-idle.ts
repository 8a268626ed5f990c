/** Options that would do nothing are refused, with the reason. */
import { ConfigError, registry, type ErrorParts } from "@verlet/core";
import { samples, type Algorithm } from "./algorithms.js";
import type { TrainOptions } from "./train-options.js";

type Reason = Omit<ErrorParts, "where">;

/** @throws ConfigError with every option that asks for something there is not. */
export function refuseIdle(where: string, algorithm: Algorithm, options: Partial<TrainOptions>): void {
  const problems = [...precision(options), ...lengths(algorithm, options), ...loraWithout(options), ...missingLoggers(options), ...others(options)];
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => ({ where, ...problem })));
}

function precision({ fp16, bf16 }: Partial<TrainOptions>): Reason[] {
  return Object.entries({ fp16, bf16 }).flatMap(([name, value]) =>
    value ? [{ what: name, got: "true", expected: "false: verlet computes in float32", fix: "Take it out; overrides: [\"model.dtype=bfloat16\"] sets the format of the saved weights" }] : [],
  );
}

/** Each kind of algorithm has a length of its own. */
function lengths(algorithm: Algorithm, { maxLength, maxPromptLength }: Partial<TrainOptions>): Reason[] {
  const [what, value, expected] = samples(algorithm) ? ["maxLength", maxLength, "max_prompt_length and max_new_tokens"] : ["maxPromptLength", maxPromptLength, "max_length"];
  return value === undefined ? [] : [{ what: String(what), got: `${value} for ${algorithm.name}, which does not read it`, expected: String(expected) }];
}

export const loraKeys = ["loraR", "loraAlpha", "loraDropout", "loraTargetModules"] as const;

function loraWithout(options: Partial<TrainOptions>): Reason[] {
  if (options.useLora !== false && options.useLora !== undefined) return [];
  return loraKeys.filter((key) => options[key] !== undefined).map((key) => ({ what: key, got: `${String(options[key])} without LoRA`, expected: "use_lora: true beside it", fix: "Set use_lora to true or take it out" }));
}

function missingLoggers({ useTensorboard, useWandb, wandbProject }: Partial<TrainOptions>): Reason[] {
  const asked = Object.entries({ useTensorboard, useWandb }).filter(([, value]) => value);
  const missing = asked
    .map(([option]) => [option, loggerOf(option)] as const)
    .filter(([, name]) => !registry.find("logger", name))
    .map(([option, name]) => ({ what: option, got: "true", expected: `a registered logger "${name}" (there are ${registry.names("logger").join(", ")})`, fix: "Take it out: metrics.jsonl in the run's folder holds every metric of every step" }));
  if (wandbProject === undefined || useWandb) return missing;
  return [...missing, { what: "wandbProject", got: JSON.stringify(wandbProject), expected: "use_wandb: true beside it" }];
}

export function loggerOf(option: string): string {
  return option === "useWandb" ? "wandb" : "tensorboard";
}

function others({ optimizer, gradientCheckpointing, clipRangeHigh, clipRange }: Partial<TrainOptions>): Reason[] {
  const problems: Reason[] = [];
  if (optimizer !== undefined && !/^adamw/i.test(optimizer)) problems.push({ what: "optimizer", got: JSON.stringify(optimizer), expected: "adamw, the one there is" });
  if (gradientCheckpointing) {
    problems.push({ what: "gradientCheckpointing", got: "true", expected: "false: activations are kept", fix: "For less memory take a smaller batch_size with gradient_accumulation_steps, or overrides: [\"trainer.microBatchSize=1\"]" });
  }
  if (clipRangeHigh !== undefined && clipRange === undefined) problems.push({ what: "clipRangeHigh", got: `${clipRangeHigh} without clip_range`, expected: "both" });
  return problems;
}
