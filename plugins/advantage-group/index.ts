export { drgrpo } from "./drgrpo.js";
export { grpo } from "./grpo.js";
export { rloo } from "./rloo.js";
