export * from "./jsonl-logger.js";
