import { ConfigError, ModelError, VerletError, type z } from "@verlet/core";
import type { DatasetInput } from "../data/open-dataset.js";
import type { RewardInput } from "../rewards/reward-function.js";
import { texts, type Language } from "../texts.js";
import type { RunContext } from "../train/run-training.js";
import type { Reply } from "./reply.js";
import { Refusal, runs } from "./run-action.js";
import { actions, flatSchema, TOOL_NAME, toolSchema, type Action, type JsonSchema } from "./tool-schema.js";

export interface RLTrainingToolOptions extends Omit<RunContext, "signal" | "onProgress"> {
  /** Of the replies' words; "zh" by default, as documented. What verlet itself says of an error is English in both. */
  language?: Language;
}

export type RunOptions = Pick<RunContext, "signal" | "onProgress">;

/** The tool's parameters, in snake_case or camelCase; docs/agents.md lists them. */
export type ToolParams = Readonly<Record<string, unknown>>;

export interface OpenAiTool {
  type: "function";
  function: { name: string; description: string; parameters: JsonSchema };
}

export interface AiSdkTool {
  description: string;
  inputSchema: z.ZodObject;
  execute(params: ToolParams, options?: { abortSignal?: AbortSignal }): Promise<string>;
}

export interface McpTool {
  name: string;
  description: string;
  inputSchema: JsonSchema;
}

/**
 * The training tool of the HelloAgents documents: `await new RLTrainingTool().run({ action: "train", algorithm: "sft", … })`.
 * Every reply is a JSON string with a `status`; nothing is thrown.
 */
export class RLTrainingTool {
  readonly name = TOOL_NAME;
  readonly #language: Language;
  readonly #context: Omit<RLTrainingToolOptions, "language">;
  readonly #datasets = new Map<string, DatasetInput>();
  readonly #rewards = new Map<string, RewardInput>();

  /** @throws ConfigError for a language that it does not speak. */
  constructor({ language = "zh", ...context }: RLTrainingToolOptions = {}) {
    if (!Object.hasOwn(texts, language)) throw new ConfigError({ where: "RLTrainingTool", what: "language", got: String(language), expected: Object.keys(texts).join(" or ") });
    this.#language = language;
    this.#context = context;
  }

  get description(): string {
    return texts[this.#language].description;
  }

  /** JSON Schema of the parameters. */
  get parameters(): JsonSchema {
    return toolSchema();
  }

  /** A data set that `dataset: name` then means: rows, a path, or { train, test } with either. */
  registerDataset(name: string, dataset: DatasetInput): void {
    this.#datasets.set(name, dataset);
  }

  /** A reward that `custom_reward: name` then means, and the one of a data set of the same name. */
  registerRewardFunction(name: string, reward: RewardInput): void {
    this.#rewards.set(name, reward);
  }

  /** For `tools` of OpenAI's chat completions; the call's `arguments` go to `run` as they are. */
  toOpenAiTool(): OpenAiTool {
    return { type: "function", function: { name: this.name, description: this.description, parameters: this.parameters } };
  }

  /** For `tools: { rl_training: … }` of the Vercel AI SDK. */
  toAiSdkTool(): AiSdkTool {
    return { description: this.description, inputSchema: flatSchema(), execute: (params, { abortSignal } = {}) => this.run(params, { signal: abortSignal }) };
  }

  /** As an MCP server lists it; `createMcpServer` of @verlet/agents/mcp is one. */
  toMcpTool(): McpTool {
    return { name: this.name, description: this.description, inputSchema: this.parameters };
  }

  /**
   * @param params an object, or its JSON as models write it
   * @param options a signal that ends training after its step, with the model saved, and a listener to the steps
   * @returns JSON: `{ "status": "success", … }` or `{ "status": "error", "message": … }`
   */
  async run(params: ToolParams | string, options: RunOptions = {}): Promise<string> {
    return JSON.stringify(await this.#reply(params, options));
  }

  async #reply(given: ToolParams | string, options: RunOptions): Promise<Reply> {
    const words = texts[this.#language];
    let action: Action | undefined;
    try {
      const { action: name, ...params } = parse(given);
      action = this.#actionOf(name, params);
      return await runs[action](params, { ...this.#context, ...options, texts: words, datasets: this.#datasets, rewards: this.#rewards });
    } catch (error) {
      if (error instanceof Refusal) return { status: "error", message: error.message };
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      const problems = error instanceof ConfigError ? error.problems : error instanceof VerletError ? [error.parts] : undefined;
      return { status: "error", message: words.failed(causeOf(error, action), message), error: name, ...(problems && { problems }) };
    }
  }

  /** The guide leaves the action out where it trains. */
  #actionOf(name: unknown, params: ToolParams): Action {
    const { missing, unknownAction } = texts[this.#language];
    if (name === undefined || name === null) {
      if (params.algorithm === undefined) throw new Refusal(missing("action"));
      return "train";
    }
    const action = actions.find((known) => known === name);
    if (action === undefined) throw new Refusal(unknownAction(String(name), actions));
    return action;
  }
}

function parse(given: ToolParams | string): ToolParams {
  let value: unknown = given;
  if (typeof given === "string") {
    try {
      value = JSON.parse(given);
    } catch (error) {
      throw new ConfigError({ where: TOOL_NAME, what: "the parameters are no JSON", got: (error as Error).message, expected: "a JSON object" });
    }
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as ToolParams;
  throw new ConfigError({ where: TOOL_NAME, what: "the parameters are no object", got: JSON.stringify(value) ?? "nothing", expected: 'an object such as {"action": "train"}' });
}

/** Under which of the documents' headings an error goes. */
function causeOf(error: unknown, action: Action | undefined): "model" | "evaluation" | "options" | "other" {
  if (error instanceof ModelError) return "model";
  if (error instanceof ConfigError) return "options";
  if (action === "evaluate") return "evaluation";
  return "other";
}
