export * from "./batch-reward-manager.js";
export * from "./naive-reward-manager.js";
