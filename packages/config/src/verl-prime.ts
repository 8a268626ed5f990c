/** The keys of VERL's PRIME recipe: an implicit process reward model beside the policy. */
import { z } from "zod";
import { fromHome } from "./verl-data.js";
import { modelPath } from "./verl-model.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, number, only, read, text, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

export const PRIME = "prime";
const model = "reward_model.model";
/** Keys that only PRIME's files have. */
const signs = ["reward_model.prime_norm", "reward_model.prime_granularity", "algorithm.reward_gt_coef", "algorithm.reward_dpo_coef", `${model}.beta_train`];

/** Whether the file is a PRIME file: it was asked for by name, or a reward model is on with PRIME's settings. */
export function isPrime(translation: VerlTranslation): boolean {
  if (translation.valueAt("algorithm_type") === PRIME) return true;
  return translation.valueAt("reward_model.enable") === true && signs.some((key) => translation.isWritten({ key }));
}

/** Goes to an option of the algorithm prime, and is noted elsewhere. */
function toPrime<T>(key: string, option: string, type: z.ZodType<T>, fallback: T, remark = "", convert: (value: T) => unknown = (value) => value): VerlRule<T> {
  return read(key, `algorithm.${option}`, type, fallback, `PRIME${remark && `; ${remark}`}`, (value, translation, rule) => {
    if (isPrime(translation)) translation.set(`algorithm.${option}`, convert(value), rule);
    else if (translation.isWritten(rule)) translation.note(rule, "read with PRIME alone");
  });
}

const filterOn = read("data.filter_accuracy", "algorithm.filter", flag, false, "PRIME; true: prompts whose accuracy lies between the bounds come first", (on, translation, rule) => {
  if (on && !isPrime(translation)) translation.refuse(rule, { what: `${rule.key} without PRIME`, expected: "false", fix: "Use algorithm.filter_groups, or the algorithm type prime" });
  if (!isPrime(translation)) return;
  if (!on && translation.isWritten(rule)) {
    translation.set("algorithm.filter.oversample", 1, rule);
    return;
  }
  for (const [option, bound] of [["lowest", lower], ["highest", upper], ["oversample", oversample]] as const) translation.set(`algorithm.filter.${option}`, translation.value<number>(bound), bound);
});
const lower = read("data.accuracy_lower_bound", "algorithm.filter.lowest", number, 0.2, "with filter_accuracy");
const upper = read("data.accuracy_upper_bound", "algorithm.filter.highest", number, 0.8, "with filter_accuracy");
const oversample = read("data.oversample_factor", "algorithm.filter.oversample", whole, 4, "with filter_accuracy; sampling stops as soon as a batch is full");

/** The reward model starts as a copy of the policy. */
function samePath(key: string): VerlRule<string | null> {
  return read(key, "", text.nullable(), null, "PRIME; the policy's folder, of which the reward model is a copy", (path, translation, rule) => {
    if (path !== null && !isPrime(translation)) translation.note(rule, "read with PRIME alone");
    if (path === null || !isPrime(translation) || fromHome(path) === fromHome(translation.value(modelPath))) return;
    translation.refuse(rule, { what: `${rule.key} differs from ${modelPath.key}`, expected: "the same folder: the reward model starts as a copy of the policy" });
  });
}

export const primeRules: readonly VerlRule[] = [
  toPrime("algorithm.reward_gt_coef", "outcomeCoef", number, 5),
  toPrime("algorithm.reward_dpo_coef", "processCoef", number, 5),
  toPrime(`${model}.optim.lr`, "rewardModel.learningRate", number, 1e-6),
  toPrime(`${model}.optim.weight_decay`, "rewardModel.weightDecay", number, 0),
  toPrime(`${model}.optim.grad_clip`, "rewardModel.maxGradNorm", number, 10),
  toPrime(`${model}.beta_train`, "rewardModel.beta", number, 0.05),
  toPrime(`${model}.update`, "rewardModel.update", z.enum(["before", "after"]), "before"),
  toPrime("reward_model.prime_norm", "rewardModel.normalize", z.enum(["batch_norm", "none"]), "batch_norm", "none = false", (norm) => norm === "batch_norm"),
  toPrime("data.filter_truncate", "filter.dropTruncated", flag, true),
  filterOn,
  lower,
  upper,
  oversample,
  samePath(`${model}.path`),
  samePath(`${model}.ref_path`),
  only("reward_model.prime_granularity", ["token"], "a process reward for each completion"),
  only(`${model}.loss_type`, ["ce"], "another loss of the reward model"),
  only(`${model}.ref_type`, ["freeze"], "a reference that is the policy itself"),
];
/** What is left below `reward_model`. */
export const rewardModelRest = idle("read only with a reward model of VERL's own", "reward_model.*");
