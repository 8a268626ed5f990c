export { GmpoLoss } from "./gmpo.js";
export { GspoLoss } from "./gspo.js";
export { SequenceClipLoss } from "./sequence-clip.js";
