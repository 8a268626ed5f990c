/** Options that would do nothing are refused, with the reason. */
import { ConfigError, type ErrorParts } from "@verlet/core";
import { samples, type Algorithm } from "./algorithms.js";
import { refuseReporters } from "./reporters.js";
import type { TrainOptions } from "./train-options.js";

type Reason = Omit<ErrorParts, "where">;

/** @throws ConfigError with every option that asks for something there is not. */
export function refuseIdle(where: string, algorithm: Algorithm, options: Partial<TrainOptions>): void {
  const problems = [...precision(options), ...lengths(algorithm, options), ...loraWithout(options), ...refuseReporters(options), ...others(options)];
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => ({ where, ...problem })));
}

function precision({ fp16 }: Partial<TrainOptions>): Reason[] {
  if (!fp16) return [];
  return [{ what: "fp16", got: "true", expected: "false: there is float32, and bfloat16 on native", fix: "Take it out, or set bf16 to true; overrides: [\"model.dtype=float16\"] sets the format of the saved weights" }];
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

function others({ optimizer, clipRangeHigh, clipRange }: Partial<TrainOptions>): Reason[] {
  const problems: Reason[] = [];
  if (optimizer !== undefined && !/^adamw/i.test(optimizer)) problems.push({ what: "optimizer", got: JSON.stringify(optimizer), expected: "adamw, the one there is" });
  if (clipRangeHigh !== undefined && clipRange === undefined) problems.push({ what: "clipRangeHigh", got: `${clipRangeHigh} without clip_range`, expected: "both" });
  return problems;
}
