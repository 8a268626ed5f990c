export * from "./create-mcp-server.js";
export * from "./serve-stdio.js";
