import { Writable } from "node:stream";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { RLTrainingTool } from "../tool/rl-training-tool.js";
import { createMcpServer } from "./create-mcp-server.js";

/**
 * Serves the tool over standard input and output until the input ends. Whatever else in the process writes to standard
 * output goes to standard error meanwhile: a stray line there would break the protocol.
 */
export async function serveStdio(tool: RLTrainingTool, version: string): Promise<void> {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  const protocol = new Writable({ write: (chunk: Buffer, _, done) => void write(chunk, () => done()) });
  stdout.write = process.stderr.write.bind(process.stderr) as typeof stdout.write;
  const server = createMcpServer(tool, version);
  try {
    await server.connect(new StdioServerTransport(process.stdin, protocol));
    await new Promise<void>((resolve) => {
      process.stdin.once("end", resolve);
      process.stdin.once("close", resolve);
    });
    await server.close(); // aborts what is under way
  } finally {
    stdout.write = write;
  }
}
