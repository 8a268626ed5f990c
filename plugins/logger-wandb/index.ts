export * from "./wandb-logger.js";
export * from "./wandb-sdk.js";
