import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, ListToolsRequestSchema, type CallToolResult, type Tool } from "@modelcontextprotocol/sdk/types.js";
import type { RLTrainingTool } from "../tool/rl-training-tool.js";

const SERVER = { name: "verlet" };

/**
 * An MCP server with the tool in it, for any transport. A call with a progress token is told each step, and one that the
 * client cancels ends after its step, with what was learnt saved.
 */
export function createMcpServer(tool: RLTrainingTool, version: string): Server {
  const server = new Server({ ...SERVER, version }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [tool.toMcpTool() as Tool] }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: given = {}, _meta } }, { signal, sendNotification }): Promise<CallToolResult> => {
    if (name !== tool.name) return failure(`unknown tool: ${name}. Tools: ${tool.name}`);
    const progressToken = _meta?.progressToken;
    const tell = ({ step, totalSteps, line }: { step: number; totalSteps: number; line: string }): void => {
      if (progressToken === undefined) return;
      // A client that is gone by then needs no progress; the call itself fails by its own means.
      sendNotification({ method: "notifications/progress", params: { progressToken, progress: step, total: totalSteps, message: line } }).catch(() => undefined);
    };
    const text = await tool.run(given, { signal, onProgress: tell });
    const { status } = JSON.parse(text) as { status: string };
    return { content: [{ type: "text", text }], ...(status === "error" && { isError: true }) };
  });
  return server;
}

function failure(text: string): CallToolResult {
  return { content: [{ type: "text", text }], isError: true };
}
