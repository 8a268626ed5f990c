/** Options that several verbs share, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from "commander";
import type { BackendName } from "@verlet/config";
import type { DataSection } from "@verlet/core";
import type { WeightDtype } from "@verlet/model";

// Spelled out here because importing the lists would load the schemas; the types keep them complete.
const backends = Object.keys({
  auto: 0,
  native: 0,
  "tfjs-node-gpu": 0,
  "tfjs-node": 0,
  webgpu: 0,
  wasm: 0,
  cpu: 0,
} satisfies Record<BackendName, 0>);
const chatTemplates = Object.keys({ auto: 0, always: 0, never: 0 } satisfies Record<DataSection["chatTemplate"], 0>);
const trainedParts = Object.keys({ auto: 0, completion: 0, assistant: 0, all: 0 } satisfies Record<DataSection["trainOn"], 0>);
const columnRoles = Object.keys({ prompt: 0, completion: 0, messages: 0, text: 0, answer: 0 } satisfies Record<keyof DataSection["columns"], 0>);
const dtypes = Object.keys({ float32: 0, bfloat16: 0, float16: 0 } satisfies Record<WeightDtype, 0>);

export interface JsonFlag {
  json?: boolean;
}

/** Where a model comes from and what runs it. */
export interface ModelFlags {
  model: string;
  adapter?: string;
  backend?: BackendName;
}

export function backendOption(): Option {
  return new Option("--backend <name>", "what computes (default: auto, the fastest that works)").choices(backends);
}

export function dtypeOption(description: string): Option {
  return new Option("--dtype <name>", description).choices(dtypes);
}

export function chatTemplateOption(): Option {
  return new Option("--chat-template <when>", "always wraps plain prompts as a user's turn, auto leaves them as they are").choices(chatTemplates).default("auto");
}

export function trainOnOption(): Option {
  return new Option("--train-on <what>", "which tokens SFT trains (default: auto, the completion of prompt and completion, everything otherwise)").choices(trainedParts);
}

export function addModelOptions(command: Command): Command {
  return command
    .option("--model <folder>", "a Hugging Face model folder, or a PEFT adapter that names its base")
    .option("--adapter <folder>", "a PEFT adapter to put on the model")
    .addOption(backendOption());
}

/** Demands options after the unknown ones were reported: a misspelled option is then named, not the one it was meant to be. */
export function demand(command: Command, ...names: string[]): Command {
  return command.hook("preAction", () => {
    for (const name of names) {
      const option = command.options.find((one) => one.attributeName() === name)!;
      if (command.getOptionValue(name) === undefined) command.error(`error: required option '${option.flags}' not specified`);
    }
  });
}

interface Range {
  min?: number;
  max?: number;
  /** Exclusive. */
  above?: number;
}

/** Reads a number within bounds. */
export function number({ min = -Infinity, max = Infinity, above = -Infinity }: Range = {}): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new InvalidArgumentError("It is not a number.");
    if (value <= above) throw new InvalidArgumentError(`It must be more than ${above}.`);
    if (value < min) throw new InvalidArgumentError(`It must be at least ${min}.`);
    if (value > max) throw new InvalidArgumentError(`It must be at most ${max}.`);
    return value;
  };
}

/** Reads a whole number from `min` on. */
export function count(min: number, max = Infinity): (text: string) => number {
  const read = number({ min, max });
  return (text) => {
    const value = read(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError("It must be a whole number.");
    return value;
  };
}

/** Reads `prompt=question,answer=answer`; a second use of the option adds to the first. */
export function columns(text: string, earlier: DataSection["columns"] = {}): DataSection["columns"] {
  const pairs = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()));
  for (const [role = "", ...column] of pairs) {
    if (column.length !== 1 || column[0] === "") throw new InvalidArgumentError("Write role=column pairs, such as prompt=question,answer=solution.");
    if (!columnRoles.includes(role)) throw new InvalidArgumentError(`"${role}" is none of the roles ${columnRoles.join(", ")}.`);
  }
  return { ...earlier, ...(Object.fromEntries(pairs) as DataSection["columns"]) };
}

/** Collects the values of a repeated option. */
export function collect(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, text];
}

export function example(...lines: string[]): [position: "after", text: string] {
  return ["after", `\nExample:\n${lines.map((line) => `  ${line}`).join("\n")}`];
}
