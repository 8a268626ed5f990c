/** VERL's rewards: `reward:`, and the older `reward_model:`, `custom_reward_function:`, `reward_manager:`, `verifier:`. */
import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { fromHome, maxResponseLength } from "./verl-data.js";
import { isPrime, rewardModelRest } from "./verl-prime.js";
import type { VerlRule } from "./verl-rule.js";
import { completionLimit } from "./verl-rollout.js";
import { anything, flag, idle, number, only, read, text, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

/** The reward that picks verl's scorer by the row's data source. */
const DEFAULT_REWARD = "by_data_source";
const legacy = "older place of the same key under reward; verl 0.9 accepts it there and ignores it";

/** A key that verl moved, at its new place and its old ones: the first that is written counts. */
class Moved<T> {
  readonly rules: readonly VerlRule<T>[];

  constructor(places: readonly string[], ours: string, type: z.ZodType<T>, fallback: T, remark = "") {
    this.rules = places.map((key, i) => read<T>(key, ours, type, fallback, i === 0 ? remark : legacy, i === 0 ? undefined : noteOldPlace(places[0]!)));
  }

  rule(translation: VerlTranslation): VerlRule<T> {
    return this.rules.find((rule) => translation.isWritten(rule)) ?? this.rules[0]!;
  }

  value(translation: VerlTranslation): T {
    return translation.value(this.rule(translation));
  }
}

function noteOldPlace(now: string) {
  return (_: unknown, translation: VerlTranslation, rule: Pick<VerlRule, "key">): void => {
    if (translation.isWritten(rule)) translation.note(rule, `read, though verl 0.9 accepts it there and ignores it; its place is now ${now.split(".").slice(0, -1).join(".")}`);
  };
}

const functionPath = new Moved(["reward.custom_reward_function.path", "custom_reward_function.path"], "rewards.module", text.nullable(), null, "a .ts or .js file; null: verl's scorer for the row's data_source");
const functionName = new Moved(["reward.custom_reward_function.name", "custom_reward_function.name"], "rewards.function", text, "compute_score", "compute_score(dataSource, solution, groundTruth, extraInfo)");
const functionArguments = new Moved(
  ["reward.custom_reward_function.reward_kwargs", "custom_reward_function.reward_kwargs"],
  "rewards.options",
  z.record(z.string(), anything),
  {},
  "the function's fifth argument",
);

const managerName = new Moved(["reward.reward_manager.name", "reward_manager.name", "reward_model.reward_manager"], "rewardManager.name", text.nullable(), null, "naive, batch, dapo, prime, or one of yours");

const overlongSettings = ["reward.reward_kwargs.overlong_buffer_cfg", "reward_model.overlong_buffer", "reward_model.reward_kwargs.overlong_buffer_cfg"];
const inOverlong = (key: string): string[] => overlongSettings.map((place) => `${place}.${key}`);
const overlongOn = new Moved(inOverlong("enable"), "rewardManager.name", flag, false, "with the reward manager dapo");
const overlongLength = new Moved(inOverlong("len"), "rewardManager.overlongBufferLength", whole, 0);
const overlongFactor = new Moved(inOverlong("penalty_factor"), "rewardManager.penaltyFactor", number, 1);
const maxResponse = new Moved(["reward.reward_kwargs.max_resp_len", "reward_model.reward_kwargs.max_resp_len"], "rewardManager.maxResponseLength", whole.nullable(), null, "null: data.max_response_length");

const verifierType = read("verifier.type", "rewardManager.name", text.nullable(), null, "of the VERL that came with PRIME: the reward manager");
const verifierCoef = read("verifier.reward_coef", "rewards.weight", number, 1, "of the VERL that came with PRIME: the weight of the rule-based score");
const modelCoef = read("reward_model.rm_coef", "", number, 0, "the weight of a reward model's score", (coef, translation, rule) => {
  if (coef !== 0) refuseModel(translation, rule);
});

function refuseModel(translation: VerlTranslation, rule: Pick<VerlRule, "key">): void {
  translation.refuse(rule, { what: `${rule.key} asks for a reward model, which this file cannot bring along`, expected: "a reward function", fix: "List a reward that calls your model under `verlet: { rewards: […] }`" });
}

const enableModel = ["reward.reward_model.enable", "reward_model.enable"].map((key) =>
  read(key, "", flag, false, "only false: rewards are functions", (on, translation, rule) => {
    if (on && !isPrime(translation)) refuseModel(translation, rule);
  }),
);

/** The function's file: as verl finds it, from the working folder, or from the folder of the file that names it. */
function locate(path: string, folder: string): string {
  const spec = fromHome(path.replace(/^pkg:\/\//, ""));
  if (path.startsWith("pkg://") || isAbsolute(spec)) return spec;
  return [process.cwd(), folder].map((start) => resolve(start, spec)).find(existsSync) ?? resolve(folder, spec);
}

const rewards: VerlRule<string | null> = {
  ...functionPath.rules[0]!,
  put: (_, translation) => {
    const pathRule = functionPath.rule(translation);
    const path = functionPath.value(translation);
    const nameRule = functionName.rule(translation);
    const name = functionName.value(translation);
    const weight = translation.value(verifierCoef);
    const options = functionArguments.value(translation);
    if (path !== null && /\.py$/.test(path)) {
      translation.refuse(pathRule, { what: `${pathRule.key} is a Python file`, expected: "a .ts or .js file that exports the same function", fix: "See docs/verl.md for its form in TypeScript" });
    } else if (path === null && name !== "compute_score") {
      translation.refuse(nameRule, { what: `${nameRule.key} without its path`, expected: "the path beside it", fix: "Write the path, or name a registered reward under `verlet: { rewards: […] }`" });
    }
    const reward = path === null || /\.py$/.test(path) ? { name: DEFAULT_REWARD } : { module: locate(path, translation.placeOf(pathRule).folder), function: name, ...(Object.keys(options).length > 0 && { options }) };
    const sources = [pathRule, ...(path === null ? [] : [nameRule]), ...(translation.isWritten(verifierCoef) ? [verifierCoef] : [])];
    translation.set("rewards", [{ ...reward, ...(weight !== 1 && { weight }) }], ...sources);
  },
};

/** Managers of verl that differ from naive only in where they run. */
const likeNaive = ["remote", "rate_limited", "gdpo"];

const manager: VerlRule<string | null> = {
  ...managerName.rules[0]!,
  put: (_, translation) => {
    const written = managerName.rule(translation);
    const named = managerName.value(translation);
    const rule = named === null && translation.isWritten(verifierType) ? verifierType : written;
    const name = named ?? translation.value(verifierType) ?? "naive";
    const overlong = overlongOn.value(translation);
    if (overlong && name !== "dapo") {
      translation.refuse(overlongOn.rule(translation), { what: `the overlong buffer is on, and the reward manager ${name} does not read it`, expected: "the reward manager dapo", fix: "Set the manager's name to dapo, or enable to false" });
      return;
    }
    const verifier = translation.value(verifierType);
    if (rule !== verifierType && verifier !== null && verifier !== name) translation.note(verifierType, `not read beside ${rule.key}`);
    if (likeNaive.includes(name)) translation.note(rule, `${name} becomes naive: the same scores, computed here`);
    if (name === "dapo" && !overlong) translation.note(rule, "dapo without its overlong buffer is naive");
    const ours = likeNaive.includes(name) || (name === "dapo" && !overlong) ? "naive" : name;
    translation.set("rewardManager.name", ours, rule);
    if (!overlong) return;
    const most = maxResponse.value(translation);
    translation.set("rewardManager.maxResponseLength", most ?? completionLimit(translation), most === null ? maxResponseLength : maxResponse.rule(translation));
    translation.set("rewardManager.overlongBufferLength", overlongLength.value(translation), overlongLength.rule(translation));
    translation.set("rewardManager.penaltyFactor", overlongFactor.value(translation), overlongFactor.rule(translation));
    translation.set("rewardManager.bounded", false, overlongOn.rule(translation));
  },
};

const moved: readonly VerlRule[] = [functionPath, functionName, functionArguments, managerName, overlongOn, overlongLength, overlongFactor, maxResponse].flatMap((one) => one.rules as readonly VerlRule[]);

export const rewardRules: readonly VerlRule[] = [
  rewards,
  manager,
  ...moved.filter(({ key }) => key !== rewards.key && key !== manager.key),
  verifierType,
  verifierCoef,
  modelCoef,
  ...enableModel,
  ...["reward.reward_manager.source", "reward_manager.source"].map((key) => only(key, ["register"], "a class from a module", "Register it with registerRewardManager and list its file under `verlet: { plugins: […] }`")),
  ...["reward_model.reward_loop_source"].map((key) => only(key, ["register"], "a class from a module")),
  ...idle("read only with source importlib", "reward.reward_manager.module.*", "reward_manager.module.*", "reward_model.reward_loop_module_path", "reward_model.reward_loop_class_name"),
  ...idle("the penalty is always measured", ...inOverlong("log")),
  ...idle("read only with a reward model", "reward.reward_model.*"),
  ...rewardModelRest,
  ...idle("rewards run in this process", "reward.num_workers", "reward.sandbox_fusion.*", "sandbox_fusion.*", "reward.launch_reward_fn_async", "verifier.port", "reward.max_concurrent", "reward.max_rpm", "reward.max_tpm", "reward.timeout", "reward.estimated_tokens_per_request"),
  {
    ...only("data.reward_fn_key", ["data_source"], "a data source in another column", "Rename the column: verl 0.9 reads data_source whatever this says"),
  },
];
