/** An agent that trains models: a loop around any chat API in OpenAI's format, with verlet's training tool in it. */
import { RLTrainingTool } from "verlet";

export interface LLMConfig {
  model: string;
  /** Such as https://api.openai.com/v1, or that of a local server. */
  baseUrl: string;
  apiKey?: string;
}

export interface AgentOptions {
  name: string;
  llmConfig: LLMConfig;
  tools?: readonly RLTrainingTool[];
  /** Rounds with calls of tools, at most, before the agent must have answered. */
  maxTurns?: number;
}

interface ToolCall {
  id: string;
  function: { name: string; arguments: string };
}
interface ChatMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | null;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
}

const SYSTEM = "You train language models with the tool rl_training. Its replies are JSON; tell the user the figures in them, and nothing that is not there.";

export class SimpleAgent {
  readonly #options: AgentOptions;
  readonly #tools: readonly RLTrainingTool[];

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#tools = options.tools ?? [new RLTrainingTool({ language: "en", console: false })];
  }

  /** What the model says once it calls no tool any more. */
  async run(request: string): Promise<string> {
    const messages: ChatMessage[] = [{ role: "system", content: `You are ${this.#options.name}. ${SYSTEM}` }, { role: "user", content: request }];
    const { maxTurns = 8 } = this.#options;
    for (let turn = 0; turn <= maxTurns; turn++) {
      const message = await this.#ask(messages);
      messages.push(message);
      if (!message.tool_calls?.length) return message.content ?? "";
      for (const call of message.tool_calls) messages.push({ role: "tool", tool_call_id: call.id, content: await this.#call(call) });
    }
    throw new Error(`${this.#options.name} called tools in more than ${maxTurns} rounds without an answer`);
  }

  /** A wrong name, or arguments that are no JSON, are told to the model, which can then do better. */
  async #call({ function: { name, arguments: given } }: ToolCall): Promise<string> {
    const tool = this.#tools.find((one) => one.name === name);
    return tool ? tool.run(given) : JSON.stringify({ status: "error", message: `there is no tool ${name}` });
  }

  async #ask(messages: readonly ChatMessage[]): Promise<ChatMessage> {
    const { baseUrl, model, apiKey } = this.#options.llmConfig;
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
      body: JSON.stringify({ model, messages, tools: this.#tools.map((tool) => tool.toOpenAiTool()) }),
    });
    if (!response.ok) throw new Error(`${baseUrl} answered ${response.status}: ${await response.text()}`);
    const { choices } = (await response.json()) as { choices: { message: ChatMessage }[] };
    return choices[0]!.message;
  }
}
