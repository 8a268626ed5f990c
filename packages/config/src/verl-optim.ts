/** VERL's optimizer sections: the actor's goes to `optimizer:`, the critic's to the algorithm's options. */
import { z } from "zod";
import type { VerlRule } from "./verl-rule.js";
import { idle, number, only, read, text, to, whole } from "./verl-rule.js";

const section = "actor_rollout_ref.actor";
const optim = `${section}.optim`;

const gradClip = read(`${section}.grad_clip`, "optimizer.maxGradNorm", number, 1, "", (norm, translation, rule) => {
  const other = translation.value(clipGrad);
  const both = translation.isWritten(rule) && translation.isWritten(clipGrad);
  if (both && other !== norm) translation.refuse(clipGrad, { what: `${clipGrad.key} and ${rule.key} differ`, expected: `${norm} in both, or one of them` });
  const isOther = !translation.isWritten(rule) && translation.isWritten(clipGrad);
  translation.set("optimizer.maxGradNorm", isOther ? other : norm, isOther ? clipGrad : rule);
});
const clipGrad = read(`${optim}.clip_grad`, "optimizer.maxGradNorm", number, 1, "the same under another name");

const scheduler = read(`${optim}.lr_scheduler_type`, "optimizer.schedule.name", z.enum(["constant", "linear", "cosine"]), "constant", "", (name, translation, rule) => {
  const old = [warmupStyle, decayStyle].find((one) => translation.isWritten(one));
  const from = !translation.isWritten(rule) && old ? old : rule;
  translation.set("optimizer.schedule.name", translation.value<string | null>(from) ?? name, from);
});
const warmupStyle = read(`${optim}.warmup_style`, "optimizer.schedule.name", z.enum(["constant", "linear", "cosine"]).nullable(), null, "older name of lr_scheduler_type");
const decayStyle = read(`${optim}.lr_decay_style`, "optimizer.schedule.name", z.enum(["constant", "linear", "cosine"]).nullable(), null, "Megatron's name of it");

const warmupSteps = read(`${optim}.lr_warmup_steps`, "optimizer.schedule.warmupSteps", whole.nullable(), -1, "negative or null: the ratio counts", (steps, translation, rule) => {
  if (steps !== null && steps >= 0) translation.set("optimizer.schedule.warmupSteps", steps, rule);
  else translation.set("optimizer.schedule.warmupRatio", translation.value(warmupRatio), warmupRatio);
});
const warmupRatio = read(`${optim}.lr_warmup_steps_ratio`, "optimizer.schedule.warmupRatio", number, 0, "");

const betas = read(`${optim}.betas`, "optimizer.beta1, optimizer.beta2", z.tuple([number, number]), [0.9, 0.999], "", ([first, second], translation, rule) => {
  translation.set("optimizer.beta1", first, rule);
  translation.set("optimizer.beta2", second, rule);
});

const optimizer = read(`${optim}.optimizer`, "", text, "AdamW", "AdamW is the only one", (name, translation, rule) => {
  if (!/^(fused)?adamw?$/i.test(name)) translation.refuse(rule, { what: `${rule.key} asks for an optimizer that verlet does not have`, expected: "AdamW" });
});

export const optimRules: readonly VerlRule[] = [
  to(`${optim}.lr`, "optimizer.learningRate", number, 1e-6),
  to(`${optim}.weight_decay`, "optimizer.weightDecay", number, 0.01, { remark: "not on norms and biases, which verl decays too" }),
  betas,
  gradClip,
  clipGrad,
  scheduler,
  warmupStyle,
  decayStyle,
  warmupSteps,
  warmupRatio,
  optimizer,
  only(`${optim}.min_lr_ratio`, [0], "a lowest rate above 0"),
  only(`${optim}.min_lr`, [0], "a lowest rate above 0"),
  only(`${optim}.num_cycles`, [0.5], "a cosine of several turns"),
  only(`${optim}.lr_warmup_init`, [0], "a warm-up from above 0"),
  only(`${optim}.override_optimizer_config`, [], "arguments of a PyTorch optimizer"),
  only(`${optim}.weight_decay_incr_style`, ["constant"], "a weight decay that changes"),
  ...idle("the number of steps is the run's own", `${optim}.total_training_steps`, `${optim}.lr_decay_steps`),
  ...idle("the optimizer is verlet's own", `${optim}.optimizer_impl`, `${optim}.use_checkpoint_opt_param_scheduler`, `${optim}.lr_wsd_decay_style`, `${optim}.lr_wsd_decay_steps`),
];
