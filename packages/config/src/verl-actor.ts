/** VERL's `actor_rollout_ref.actor:` section, without its optimizer. */
import { maxPromptLength, trainBatchSize } from "./verl-data.js";
import { completionLimit } from "./verl-rollout.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, number, only, read, to, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

const section = "actor_rollout_ref.actor";
const keys = (...names: readonly string[]): string[] => names.map((name) => `${section}.${name}`);

const miniBatchSize = read(`${section}.ppo_mini_batch_size`, "loss.miniBatches", whole.min(1), 256, "train_batch_size / ppo_mini_batch_size", (size, translation, rule) => {
  const parts = miniBatches(translation);
  const prompts = translation.value(trainBatchSize);
  translation.set("loss.miniBatches", parts, rule, trainBatchSize);
  if (!translation.isWritten(rule)) return;
  if (size > prompts) translation.note(rule, `${size} prompts are more than a batch has, so the whole batch of ${prompts} is one update; verl 0.9 refuses it`);
  else if (prompts % size !== 0) translation.note(rule, `a batch of ${prompts} prompts does not divide by ${size}; it is cut into ${parts} parts of nearly equal size`);
});

function miniBatches(translation: VerlTranslation): number {
  return Math.max(1, Math.ceil(translation.value(trainBatchSize) / translation.value(miniBatchSize)));
}

const epochs = to(`${section}.ppo_epochs`, "loss.iterations", whole.min(1), 1);

/** Optimizer steps in what verl counts as one step: verlet counts optimizer steps. */
export function updatesPerStep(translation: VerlTranslation): number {
  return miniBatches(translation) * translation.value(epochs);
}

const microPerGpu = read(`${section}.ppo_micro_batch_size_per_gpu`, "trainer.microBatchSize", whole.min(1).nullable(), null, "rows at a time; null = all", (rows, translation, rule) => {
  const all = translation.value(microInAll);
  if (rows !== null && all !== null && rows !== all) {
    translation.refuse(microInAll, { what: `${microInAll.key} stands beside ${rule.key}`, expected: "one of them, as verl asks for" });
  }
  if (translation.value(dynamic)) {
    const room = Math.floor(translation.value(maxTokens) / (translation.value(maxPromptLength) + completionLimit(translation)));
    translation.set("trainer.microBatchSize", Math.max(1, room), maxTokens, dynamic);
  } else translation.set("trainer.microBatchSize", rows ?? all ?? 0, rows === null && all !== null ? microInAll : rule);
});
const microInAll = read(`${section}.ppo_micro_batch_size`, "trainer.microBatchSize", whole.min(1).nullable(), null, "older name of ppo_micro_batch_size_per_gpu");
const dynamic = read(`${section}.use_dynamic_bsz`, "trainer.microBatchSize", flag, false, "true: as many of the longest rows as ppo_max_token_len_per_gpu holds");
const maxTokens = read(`${section}.ppo_max_token_len_per_gpu`, "trainer.microBatchSize", whole.min(1), 16384, "with use_dynamic_bsz");

export const actorRules: readonly VerlRule[] = [
  epochs,
  miniBatchSize,
  microPerGpu,
  microInAll,
  dynamic,
  maxTokens,
  to(`${section}.entropy_coeff`, "loss.entropyCoef", number, 0),
  ...idle("mini-batches are cut in the order of the batch", `${section}.shuffle`, `${section}.data_loader_seed`),
  only(`${section}.router_replay.mode`, ["disabled"], "replayed routes of a mixture of experts"),
  ...idle("read only with router_replay.mode", `${section}.router_replay.*`),
  ...idle("entropy is always measured", `${section}.calculate_entropy`, `${section}.entropy_from_logits_with_chunking`, `${section}.entropy_checkpointing`),
  ...idle("an advantage that needs Σp² gets it", `${section}.calculate_sum_pi_squared`, `${section}.sum_pi_squared_checkpointing`),
  ...idle("a checkpoint always holds all that a resumed run needs", `${section}.checkpoint.*`),
  ...idle(
    "speed and memory of PyTorch on several GPUs",
    ...keys("strategy", "fsdp_config.*", "megatron.*", "veomni.*", "torchtitan.*", "engine.*", "use_torch_compile", "use_fused_kernels", "use_remove_padding", "use_prefix_grouper", "ulysses_sequence_parallel_size", "load_weight", "grad_offload"),
    ...keys("rollout_n", "freeze_vision_tower", "profiler.*", "param_offload", "ppo_infer_max_token_len_per_gpu", "ppo_infer_micro_batch_size_per_gpu", "infer_max_token_len_per_gpu", "infer_micro_batch_size_per_gpu"),
  ),
];
