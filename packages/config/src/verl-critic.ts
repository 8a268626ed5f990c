/** VERL's `critic:` section, which only PPO reads. */
import { z } from "zod";
import { updatesPerStep } from "./verl-actor.js";
import { trainerOf } from "./verl-algorithm.js";
import { fromHome } from "./verl-data.js";
import { loraRank as actorLoraRank, modelPath } from "./verl-model.js";
import type { VerlRule } from "./verl-rule.js";
import { anything, idle, number, read, text, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

const hasCritic = (translation: VerlTranslation): boolean => trainerOf(translation) === "ppo";

/** Of a key that only a critic needs: noted where there is none, checked where there is. */
function ofCritic<T>(key: string, type: z.ZodType<T>, remark: string, check: (value: T, translation: VerlTranslation, rule: VerlRule<T | null>) => void): VerlRule<T | null> {
  return read(key, "", type.nullable(), null, remark, (value, translation, rule) => {
    if (value === null) return;
    if (hasCritic(translation)) check(value, translation, rule);
    else translation.note(rule, noCritic(translation));
  });
}

const noCritic = (translation: VerlTranslation): string => `not read: ${trainerOf(translation)} has no critic`;

/** Goes to an option of the algorithm where that has a critic. */
function toCritic<T>(key: string, option: string, type: z.ZodType<T>, fallback: T, remark = "", convert: (value: T, translation: VerlTranslation) => unknown = (value) => value): VerlRule<T> {
  return read(key, `algorithm.critic.${option}`, type, fallback, remark, (value, translation, rule) => {
    if (hasCritic(translation)) translation.set(`algorithm.critic.${option}`, convert(value, translation), rule);
    else if (translation.isWritten(rule)) translation.note(rule, noCritic(translation));
  });
}

const enable: VerlRule<boolean | null> = read("critic.enable", "", z.boolean().nullable(), null, "the algorithm says whether there is a critic", (on, translation, rule) => {
  if (on !== null && on !== hasCritic(translation)) {
    translation.refuse(rule, { what: `${rule.key} with the algorithm ${trainerOf(translation)}`, expected: `null or ${hasCritic(translation)}` });
  }
});

/** A key that verl has twice, for actor and critic, and verlet once. */
function asActor(key: string, type: z.ZodType<unknown>, actor: string): VerlRule {
  return ofCritic(key, type, `the same as ${actor}`, (value, translation, rule) => {
    const wanted = JSON.stringify(translation.valueAt(actor));
    if (JSON.stringify(value) !== wanted) translation.refuse(rule, { what: `${key} differs from ${actor}`, expected: `${wanted}, as the critic is trained on the same batches` });
  });
}

const path = ofCritic("critic.model.path", text, "the critic starts from the policy's weights", (value, translation, rule) => {
  if (fromHome(value) === fromHome(translation.value(modelPath))) return;
  translation.refuse(rule, { what: `${rule.key} differs from ${modelPath.key}`, expected: "the same folder: the critic starts from the policy's weights" });
});

const loraRank = ofCritic("critic.model.lora_rank", whole, "the critic is an adapter where the policy is one, and whole where that is whole", (rank, translation, rule) => {
  if (rank > 0 === translation.value(actorLoraRank) > 0) return;
  translation.refuse(rule, { what: `${rule.key} beside ${actorLoraRank.key}`, expected: "LoRA for both or for none" });
});

export const criticRules: readonly VerlRule[] = [
  enable,
  toCritic("critic.optim.lr", "learningRate", number, 1e-5),
  toCritic("critic.cliprange_value", "clipValue", number, 0.5),
  toCritic("critic.optim.weight_decay", "weightDecay", number, 0.01),
  toCritic("critic.grad_clip", "maxGradNorm", number, 1),
  toCritic("trainer.critic_warmup", "warmupSteps", whole, 0, "less one, as verl's actor learns in the step that reaches the number, and times the updates of a batch", (steps, translation) => Math.max(0, steps - 1) * updatesPerStep(translation)),
  asActor("critic.ppo_epochs", whole, "actor_rollout_ref.actor.ppo_epochs"),
  asActor("critic.ppo_mini_batch_size", whole, "actor_rollout_ref.actor.ppo_mini_batch_size"),
  asActor("critic.loss_agg_mode", text, "actor_rollout_ref.actor.loss_agg_mode"),
  ...["lr_warmup_steps", "lr_warmup_steps_ratio", "lr_scheduler_type", "warmup_style", "betas"].map((key) => asActor(`critic.optim.${key}`, anything, `actor_rollout_ref.actor.optim.${key}`)),
  path,
  loraRank,
  ...idle("the critic follows the actor's optimizer and micro-batches, and lies on the same machine", "critic.*"),
];
