export * from "./tensorboard-logger.js";
