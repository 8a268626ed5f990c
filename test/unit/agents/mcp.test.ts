import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { RLTrainingTool } from "@verlet/agents";
import { createMcpServer } from "@verlet/agents/mcp";
import { onTestFinished, describe, expect, test } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { output } from "../cli/run-cli.js";
import { sft, tinyTool, writeQuestions } from "./tiny.js";

const bin = fileURLToPath(new URL("../../../packages/cli/bin/verlet.js", import.meta.url));

interface Called {
  content: { type: string; text: string }[];
  isError?: boolean;
}
const replyOf = (called: unknown): Record<string, unknown> => JSON.parse((called as Called).content[0]!.text) as Record<string, unknown>;

describe("the tool's forms", () => {
  const tool = new RLTrainingTool({ language: "en" });
  const schema = tool.parameters as { type: string; required: string[]; properties: Record<string, { type?: string; enum?: string[]; default?: unknown; description: string }>; additionalProperties: boolean };

  test("one flat schema of all actions", () => {
    expect(schema).toMatchObject({ type: "object", required: ["action"], additionalProperties: false });
    expect(schema.properties.action!.enum).toEqual(["train", "load_dataset", "create_reward", "evaluate"]);
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(["model_name", "num_epochs", "lora_r", "reward_config", "model_path", "return_details", "format"]));
    expect(Object.keys(schema.properties).filter((name) => /[A-Z]|custom/.test(name))).toEqual([]);
    expect(schema.properties.model_path!.description).toMatch(/^\[evaluate \(required\)\]/);
    expect(schema.properties.num_epochs).toMatchObject({ type: "integer", description: "[train] Times every row is seen. 3 by default." });
    expect(schema.properties.max_samples!.description).toBe("[train] Use only the first rows; all by default. [load_dataset, evaluate] Use only the first rows; null = all. 100 by default.");
    expect(Object.values(schema.properties).filter((property) => "default" in property)).toEqual([]);
    expect(Object.entries(schema.properties).filter(([, { description }]) => !description)).toEqual([]);
  });

  test("OpenAI, the AI SDK and MCP", async () => {
    expect(tool.toOpenAiTool()).toEqual({ type: "function", function: { name: "rl_training", description: tool.description, parameters: schema } });
    expect(tool.toMcpTool()).toEqual({ name: "rl_training", description: tool.description, inputSchema: schema });
    const { inputSchema, execute } = tool.toAiSdkTool();
    expect(inputSchema.parse({ action: "create_reward", reward_type: "step" })).toEqual({ action: "create_reward", reward_type: "step" }); // nothing is filled in
    expect(JSON.parse(await execute({ action: "create_reward", reward_type: "step" }))).toMatchObject({ status: "success" });
    const stopped = await tinyTool().toAiSdkTool().execute(sft(join(tempFolder(), "out")), { abortSignal: AbortSignal.abort() });
    expect(JSON.parse(stopped)).toMatchObject({ interrupted: true, steps: 0 });
  });
});

describe("an MCP server in this process", () => {
  async function connect(): Promise<Client> {
    const [here, there] = InMemoryTransport.createLinkedPair();
    const server = createMcpServer(tinyTool({ language: "en" }), "0.0.0");
    const client = new Client({ name: "test", version: "0" });
    await Promise.all([server.connect(there), client.connect(here)]);
    onTestFinished(() => client.close());
    return client;
  }

  test("tells progress, and an error is one", async () => {
    const client = await connect();
    const seen: unknown[] = [];
    const called = await client.callTool({ name: "rl_training", arguments: sft(join(tempFolder(), "out")) }, undefined, { onprogress: (progress) => void seen.push(progress) });
    expect(replyOf(called)).toMatchObject({ status: "success", steps: 2 });
    expect(seen).toEqual([1, 2].map((step) => ({ progress: step, total: 2, message: expect.stringMatching(new RegExp(`^Epoch 1/1 \\| Step ${step}/2 \\| Loss: `)) as string })));
    expect(await client.callTool({ name: "rl_training", arguments: { action: "fly" } })).toMatchObject({ isError: true });
    expect(await client.callTool({ name: "other", arguments: {} })).toEqual({ content: [{ type: "text", text: "unknown tool: other. Tools: rl_training" }], isError: true });
  });

  test("a cancelled call ends after its step, and the model is there", async () => {
    const client = await connect();
    const out = join(tempFolder(), "out");
    const controller = new AbortController();
    const call = client.callTool({ name: "rl_training", arguments: sft(out, { num_epochs: 50 }) }, undefined, { signal: controller.signal, onprogress: () => controller.abort() });
    await expect(call).rejects.toThrow();
    // The next call waits for its turn, so the first run is over by then.
    expect(replyOf(await client.callTool({ name: "rl_training", arguments: { action: "evaluate", model_path: out, max_new_tokens: 2, backend: "wasm" } }))).toMatchObject({ status: "success" });
    expect(readFileSync(join(out, "metrics.jsonl"), "utf8").trimEnd().split("\n").length).toBeLessThan(100);
  });
});

describe("verlet mcp", () => {
  test("serves the SDK's own client", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    const dataset = writeQuestions(folder);
    const client = new Client({ name: "test", version: "0" });
    const transport = new StdioClientTransport({ command: process.execPath, args: [bin, "mcp", "--language", "zh"], stderr: "pipe" });
    await client.connect(transport);
    try {
      expect(client.getServerVersion()).toMatchObject({ name: "verlet" });
      const { tools } = await client.listTools();
      expect(tools.map(({ name, inputSchema }) => [name, inputSchema.required])).toEqual([["rl_training", ["action"]]]);
      const trained = await client.callTool({ name: "rl_training", arguments: sft(out, { dataset }) });
      expect(replyOf(trained)).toMatchObject({ status: "success", num_samples: 4, steps: 2 });
      expect(existsSync(join(out, "model.safetensors"))).toBe(true);
      expect(replyOf(await client.callTool({ name: "rl_training", arguments: { action: "train", algorithm: "x", model_name: "m", output_dir: "o" } })).message).toMatch(/^不支持的算法: x/);
    } finally {
      await client.close();
    }
  });

  test("writes nothing but protocol to standard output, and ends with its input", async () => {
    const folder = tempFolder();
    const child = spawn(process.execPath, [bin, "mcp"], { cwd: folder });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const send = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    send({ id: 1, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "0" } } });
    send({ method: "notifications/initialized" });
    send({ id: 2, method: "tools/call", params: { name: "rl_training", arguments: sft(join(folder, "out"), { dataset: writeQuestions(folder), logging_steps: 1 }) } });
    await expect.poll(() => stdout.includes('"id":2'), { timeout: 50_000 }).toBe(true);
    child.stdin.end();
    expect(await ended).toBe(0);
    const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as { jsonrpc: string; id?: number });
    expect(lines.map(({ jsonrpc, id }) => [jsonrpc, id])).toEqual([["2.0", 1], ["2.0", 2]]);
  });

  test("has its help", async () => expect(await output(["mcp", "--help"])).toContain("verlet mcp --language zh"));
});
