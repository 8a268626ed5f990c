export * from "./http-reward.js";
export { waitBefore } from "./post-json.js";
