export { drgrpo } from "./drgrpo.js";
export { gdpo } from "./gdpo.js";
export { gpg } from "./gpg.js";
export { grpo } from "./grpo.js";
export { grpoPassk } from "./grpo-passk.js";
export { opo } from "./opo.js";
export { rloo } from "./rloo.js";
