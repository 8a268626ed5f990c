import type { Candidate } from "./candidate.js";

export const webgpu: Candidate = {
  name: "webgpu",
  open: () => Promise.resolve({ why: "it comes in a later version of verlet" }),
};
