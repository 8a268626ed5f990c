/** Sections of VERL that belong to its clusters and tools, and what Hydra puts into a file. */
import type { VerlRule } from "./verl-rule.js";
import { anything, flag, idle, read } from "./verl-rule.js";

/** verl's own files that a `defaults:` list may name; what they say is what its defaults are here. */
const ownFiles = /^(_self_|ppo_trainer|ppo_megatron_trainer|dapo_trainer|prime_trainer|\/?(ppo|dapo|prime)_trainer(@.*)?)$/;

const defaults: VerlRule = {
  key: "defaults",
  type: anything,
  fallback: undefined,
  remark: "verl's own files only: where this file says nothing, verl's defaults stand",
  put: (list, translation, rule) => {
    const foreign = (Array.isArray(list) ? list : []).filter((item) => typeof item === "string" && !ownFiles.test(item));
    if (foreign.length > 0) {
      translation.refuse(rule, { what: "`defaults` names a file that is not verl's own", got: foreign.join(", "), expected: "ppo_trainer, _self_", fix: "Name your file with `extends: ./base.yaml`" });
    }
  },
};

const distillation = read("distillation.enabled", "", flag, false, "only false: no teacher is read", (on, translation, rule) => {
  if (on) translation.refuse(rule, { what: `${rule.key}: on-policy distillation`, expected: "false" });
});

export const idleRules: readonly VerlRule[] = [
  defaults,
  distillation,
  ...idle("read only with distillation.enabled", "distillation.*"),
  ...idle("where Hydra looks for files and writes its own", "hydra.*"),
  ...idle("the reference is the policy's starting point, in the same process", "actor_rollout_ref.ref.*"),
  ...idle("everything runs on one machine, in one process", "actor_rollout_ref.hybrid_engine", "actor_rollout_ref.nccl_timeout", "actor_rollout_ref.profiler.*", "model_engine", "ray_kwargs.*", "ray_init.*", "transfer_queue.*", "global_profiler.*"),
];
