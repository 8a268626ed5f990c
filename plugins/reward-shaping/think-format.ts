import { registerReward, z } from "@verlet/core";

/** One `<think>` at the very start, closed again; TRL's think_format_reward. */
const THINK = /^<think>(?!.*<think>).*?<\/think>/s;

export const thinkFormat = registerReward("think_format", {
  options: z.strictObject({}),
  doc: "1 when the completion opens with one <think>…</think> block, else 0.",
})(({ completion }) => (THINK.test(completion) ? 1 : 0));
