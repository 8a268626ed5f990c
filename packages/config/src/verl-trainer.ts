/** VERL's `trainer:` section. */
import { registry } from "@verlet/core";
import { z } from "zod";
import { updatesPerStep } from "./verl-actor.js";
import { fromHome, NO_EVALUATION, valFiles } from "./verl-data.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, only, read, text, to, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

/** verl counts batches, verlet optimizer steps. */
const inUpdates = (steps: number, translation: VerlTranslation): number => steps * updatesPerStep(translation);
const every = (steps: number, translation: VerlTranslation): number => (steps > 0 ? inUpdates(steps, translation) : 0);
const perUpdate = "times the updates of a batch (ppo_epochs · mini-batches), as verlet counts optimizer steps";

const project = read("trainer.project_name", "", text, "verl_examples", "in the default of default_local_dir; wandb's project");
const experiment = read("trainer.experiment_name", "", text, "gsm8k", "in the default of default_local_dir; wandb's name of the run");

const outputDir: VerlRule<string | null> = read("trainer.default_local_dir", "trainer.outputDir", text.nullable(), null, "default: checkpoints/<project_name>/<experiment_name>", (folder, translation, rule) => {
  const path = folder === null ? `checkpoints/${translation.value(project)}/${translation.value(experiment)}` : fromHome(folder);
  translation.set("trainer.outputDir", path, rule, ...(folder === null ? [project, experiment] : []));
});

const resumePath = read("trainer.resume_from_path", "trainer.resume", z.union([text, flag]).nullable(), null, "with resume_mode resume_path");
const resume = read("trainer.resume_mode", "trainer.resume", z.enum(["auto", "disable", "resume_path"]), "auto", "disable → never, which wants an empty folder", (mode, translation, rule) => {
  const path = translation.value(resumePath);
  if (mode !== "resume_path") translation.set("trainer.resume", mode === "auto" ? "auto" : "never", rule);
  else if (typeof path === "string") translation.set("trainer.resume", fromHome(path), resumePath, rule);
  else translation.refuse(resumePath, { what: `${resumePath.key} is missing with resume_mode resume_path`, expected: "the folder of a checkpoint that verlet wrote" });
});

/** verl's names of loggers that verlet has under another one. */
const loggerNames: Readonly<Record<string, string>> = { file: "jsonl" };

/** What verl tells a logger beside the metrics. */
const loggerOptions: Readonly<Record<string, (translation: VerlTranslation) => object | undefined>> = {
  wandb: (translation) => ({ name: "wandb", project: translation.value(project), runName: translation.value(experiment) }),
  tensorboard: () => (process.env.TENSORBOARD_DIR ? { name: "tensorboard", dir: process.env.TENSORBOARD_DIR } : undefined),
};

const loggers = read("trainer.logger", "trainer.loggers", z.union([text, z.array(text)]), ["console", "wandb"], "jsonl is always there; wandb only where it is written, with project_name and experiment_name; tensorboard's folder is TENSORBOARD_DIR where that is set; a name without a registered logger is noted", (names, translation, rule) => {
  const isWritten = translation.isWritten(rule);
  const wanted = [names].flat().map((name) => loggerNames[name] ?? name).filter((name) => isWritten || name !== "wandb");
  const known = [...new Set([...wanted.filter((name) => registry.find("logger", name)), "jsonl"])];
  for (const name of wanted.filter((one) => !known.includes(one))) {
    if (isWritten) translation.note(rule, `no logger named ${name} is registered; metrics go to ${known.join(", ")}`);
  }
  translation.set("trainer.loggers", known.map((name) => loggerOptions[name]?.(translation) ?? name), rule, ...(known.includes("wandb") ? [project, experiment] : []));
});

const checkpoints = read("trainer.max_actor_ckpt_to_keep", "trainer.keepLast", whole.nullable(), null, "null keeps all in verl, the last 2 here", (count, translation, rule) => {
  if (count !== null) translation.set("trainer.keepLast", count, rule);
});

const rolloutFolder = read("trainer.rollout_data_dir", "trainer.rolloutsEvery", text.nullable(), null, "set: every batch is written to rollouts/ of the output folder", (folder, translation, rule) => {
  if (folder === null) return;
  translation.set("trainer.rolloutsEvery", updatesPerStep(translation), rule);
  translation.note(rule, "rollouts are written to rollouts/ of the output folder");
});

/** Of the VERL in the training manager's document. */
const logData = read("data_logger.enable", "trainer.rolloutsEvery", flag, false, "true: rollouts are written every log_frequency batches", (on, translation, rule) => {
  if (on && !translation.isWritten(rolloutFolder)) translation.set("trainer.rolloutsEvery", every(translation.value(logFrequency), translation), logFrequency, rule);
});
const logFrequency = read("data_logger.log_frequency", "trainer.rolloutsEvery", whole.min(1), 1, "with data_logger.enable");

export const trainerRules: readonly VerlRule[] = [
  to("trainer.total_epochs", "trainer.epochs", whole.min(1), 30),
  to("trainer.total_training_steps", "trainer.maxSteps", whole.min(1).nullable(), null, { convert: (steps, translation) => (steps === null ? undefined : inUpdates(steps, translation)), remark: perUpdate }),
  to("trainer.save_freq", "trainer.saveEvery", whole, -1, { convert: every, remark: `${perUpdate}; −1 = at the end` }),
  read("trainer.test_freq", "trainer.evalEvery", whole, -1, `${perUpdate}; −1 = at the end`, (steps, translation, rule) => {
    if (translation.value(valFiles) !== "") translation.set("trainer.evalEvery", every(steps, translation), rule);
    else if (steps > 0) translation.note(rule, NO_EVALUATION);
  }),
  outputDir,
  project,
  experiment,
  resume,
  resumePath,
  loggers,
  checkpoints,
  rolloutFolder,
  logData,
  logFrequency,
  only("trainer.val_only", [false], "evaluation alone", "Use `verlet eval`, or `evaluate()` of a manager"),
  ...idle("evaluation comes every test_freq steps and at the end; call `evaluate()` for one before training", "trainer.val_before_train"),
  ...idle("evaluation writes its metrics; `verlet eval --details` writes the answers", "trainer.validation_data_dir", "trainer.log_val_generations", "trainer.val_generations_to_log_to_wandb"),
  ...idle("a checkpoint holds policy and critic together", "trainer.max_critic_ckpt_to_keep"),
  ...idle("checkpoints stay on this machine", "trainer.default_hdfs_dir", "trainer.remove_previous_ckpt_in_save", "trainer.del_local_ckpt_after_load", "trainer.esi_redundant_time"),
  ...idle(
    "everything runs on one machine, in one process",
    "trainer.nnodes",
    "trainer.n_gpus_per_node",
    "trainer.device",
    "trainer.balance_batch",
    "trainer.ray_wait_register_center_timeout",
    "trainer.use_legacy_worker_impl",
    "trainer.use_v1",
    "trainer.v1.*",
    "trainer.npu_profile.*",
    "trainer.profile_steps",
  ),
];
