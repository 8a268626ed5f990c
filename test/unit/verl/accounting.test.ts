/** Nothing is dropped in silence: every key of a file is in the table, in a note, or a switch that is off. */
import { expect, test } from "vitest";
import { parse } from "yaml";
import { load, notesOn, smallest } from "./verl-files.js";

/** The keys of the training manager's own example, from the VERL of its time, with a cluster's keys and its project's own. */
const text = `
data:
  tokenizer: null
  train_files: ./train.parquet
  val_files: ./test.parquet
  prompt_key: prompt
  max_prompt_length: 1024
  max_response_length: 256
  train_batch_size: 48
  val_batch_size: null
  return_raw_input_ids: True
  return_raw_chat: True
  shuffle: False
  filter_overlong_prompts: True
  truncation: error
data_logger: { enable: True, log_frequency: 2 }
actor_rollout_ref:
  hybrid_engine: True
  model: { path: ./model, external_lib: null, override_config: {}, enable_gradient_checkpointing: False, use_remove_padding: False }
  actor:
    strategy: fsdp
    ppo_mini_batch_size: 24
    ppo_micro_batch_size: 8
    ppo_micro_batch_size_per_gpu: null
    use_dynamic_bsz: False
    ppo_max_token_len_per_gpu: 16384
    grad_clip: 1.0
    clip_ratio: 0.2
    entropy_coeff: 0.001
    use_kl_loss: True
    kl_loss_coef: 0.001
    kl_loss_type: low_var_kl
    ppo_epochs: 1
    shuffle: False
    ulysses_sequence_parallel_size: 1
    optim: { lr: 1e-6, lr_warmup_steps_ratio: 0., min_lr_ratio: null, warmup_style: constant, total_training_steps: -1 }
    fsdp_config: { wrap_policy: { min_num_params: 0 }, param_offload: True, fsdp_size: -1 }
  ref:
    fsdp_config: { param_offload: True }
    log_prob_micro_batch_size: 64
    log_prob_use_dynamic_bsz: \${actor_rollout_ref.actor.use_dynamic_bsz}
  rollout:
    name: vllm
    temperature: 1.0
    top_k: -1
    top_p: 1
    use_fire_sampling: False
    prompt_length: \${data.max_prompt_length}
    response_length: \${data.max_response_length}
    dtype: bfloat16
    gpu_memory_utilization: 0.5
    ignore_eos: False
    tensor_model_parallel_size: 1
    max_num_seqs: 1024
    log_prob_micro_batch_size: 64
    do_sample: True
    n: 8
critic:
  strategy: fsdp
  optim: { lr: 1e-5, lr_warmup_steps_ratio: 0., warmup_style: constant }
  model: { path: ./model, tokenizer_path: "\${actor_rollout_ref.model.path}", fsdp_config: { fsdp_size: -1 } }
  ppo_mini_batch_size: \${actor_rollout_ref.actor.ppo_mini_batch_size}
  ppo_epochs: \${actor_rollout_ref.actor.ppo_epochs}
  grad_clip: 1.0
  cliprange_value: 0.5
reward_model:
  enable: False
  strategy: fsdp
  model: { input_tokenizer: "\${actor_rollout_ref.model.path}", path: ./prm }
  micro_batch_size: 8
  reward_manager: naive
  rm_coef: 0.0
verifier: { type: naive, reward_coef: 2.0, port: 5887 }
algorithm:
  gamma: 1.0
  lam: 1.0
  adv_estimator: ESTIMATOR
  kl_penalty: kl
  kl_ctrl: { type: fixed, kl_coef: 0.001 }
trainer:
  total_epochs: 3
  project_name: p
  experiment_name: e
  logger: [console, wandb]
  val_before_train: False
  val_generations_to_log_to_wandb: 10
  nnodes: 1
  n_gpus_per_node: 8
  save_freq: 30
  resume_mode: auto
  resume_from_path: True
  test_freq: 30
  critic_warmup: 0
  default_hdfs_dir: null
  del_local_ckpt_after_load: False
  default_local_dir: /out
`;

function leaves(value: unknown, path: readonly string[] = []): [path: string, value: unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path.join("."), value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

test.each(["grpo", "gae"])("the training manager's own example with %s", async (estimator) => {
  const file = text.replace("ESTIMATOR", estimator);
  const { translation } = await load([], file);
  const inTable = translation!.keys.flatMap(({ verl }) => verl.split(", "));
  const inNotes = translation!.notes.flatMap((note) => expand(note.slice(0, note.indexOf(": "))));
  const said = (path: string): boolean => [...inTable, ...inNotes].some((key) => path === key || path.startsWith(`${key}.`));
  const silent = leaves(parse(file))
    .filter(([path]) => !said(path))
    .map(([path, value]) => `${path}: ${String(value)}`);
  // Off, empty, or the same as a key that was taken over.
  const critic = [
    "critic.optim.lr_warmup_steps_ratio: 0",
    "critic.optim.warmup_style: constant",
    "critic.model.path: ./model",
    "critic.ppo_mini_batch_size: ${actor_rollout_ref.actor.ppo_mini_batch_size}",
    "critic.ppo_epochs: ${actor_rollout_ref.actor.ppo_epochs}",
  ];
  expect(silent.filter((line) => !/: (null|false|true|\[object Object\])$/.test(line))).toEqual([
    "actor_rollout_ref.rollout.response_length: ${data.max_response_length}",
    ...(estimator === "gae" ? critic : []),
    "reward_model.rm_coef: 0",
  ]);
  expect(silent.filter((line) => line.endsWith(": true"))).toEqual(["actor_rollout_ref.rollout.do_sample: true"]);
});

/** `a.{b, c}, d` → a.b, a.c, d */
function expand(keys: string): string[] {
  return [...keys.matchAll(/([^,{}\s]+)(?:\{([^}]*)\})?/g)].flatMap(([, key, inner]) => (inner === undefined ? [key!] : inner.split(", ").map((name) => key! + name)));
}

test("a key that is only read beside another is noted without it", async () => {
  const loaded = await load(["actor_rollout_ref.actor.kl_loss_coef=0.1", "actor_rollout_ref.actor.tau_pos=2", "actor_rollout_ref.model.lora_alpha=32", "algorithm.filter_groups.metric=acc", "trainer.resume_from_path=/x"]);
  expect(loaded.translation!.notes).toEqual([
    "algorithm.filter_groups.metric: not read (groups are compared by their scores)",
    "actor_rollout_ref.actor.kl_loss_coef: not read (with use_kl_loss)",
    "actor_rollout_ref.model.lora_alpha: not read (with lora_rank above 0)",
    "actor_rollout_ref.actor.tau_pos: not read (of the loss sapo)",
    "trainer.resume_from_path: not read (with resume_mode resume_path)",
  ]);
});

test("a key that another interpolates is read", async () => {
  const interpolated = `${smallest}trainer: { project_name: p, default_local_dir: "/runs/\${trainer.project_name}" }\n`;
  expect(notesOn(await load([], interpolated), "project_name")).toEqual([]);
});
