export * from "./json.js";
export * from "./jsonl.js";
