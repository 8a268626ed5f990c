export * from "./types.js";
export { backendNames } from "./sections.js";
export type { BackendName } from "./sections.js";
