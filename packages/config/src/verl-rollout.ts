/** VERL's `actor_rollout_ref.rollout:` section. */
import { maxResponseLength } from "./verl-data.js";
import type { VerlRule } from "./verl-rule.js";
import { flag, idle, number, only, read, to, whole } from "./verl-rule.js";
import type { VerlTranslation } from "./verl-translation.js";

const section = "actor_rollout_ref.rollout";
const keys = (...names: readonly string[]): string[] => names.map((name) => `${section}.${name}`);

/** The completion limit stands in two sections; verl samples by the rollout's. */
const responseLength = read(`${section}.response_length`, "rollout.maxNewTokens", whole.nullable(), null, "the same as data.max_response_length", (length, translation, rule) => {
  const other = translation.value(maxResponseLength);
  if (length !== null && translation.isWritten(maxResponseLength) && length !== other) {
    translation.refuse(rule, { what: `${rule.key} and ${maxResponseLength.key} differ`, expected: `${other} in both, or one of them` });
  }
  const from = translation.isWritten(maxResponseLength) || length === null ? maxResponseLength : rule;
  translation.set("rollout.maxNewTokens", from === rule ? length : other, from);
});

/** Rows are sampled up to so many tokens. */
export function completionLimit(translation: VerlTranslation): number {
  return translation.value(responseLength) ?? translation.value(maxResponseLength);
}

export const samplesPerPrompt = to(`${section}.n`, "rollout.numGenerations", whole, 1);

const doSample = read(`${section}.do_sample`, "rollout.temperature", flag, true, "false = temperature 0");

const temperature = read(`${section}.temperature`, "rollout.temperature", number, 1, "", (value, translation, rule) => {
  const samples = translation.value(doSample);
  translation.set("rollout.temperature", samples ? value : 0, samples ? rule : doSample);
});

const validation = { key: `${section}.val_kwargs` };
const greedyOnly = "evaluation takes one greedy answer a question";

export const rolloutRules: readonly VerlRule[] = [
  responseLength,
  samplesPerPrompt,
  temperature,
  doSample,
  to(`${section}.top_p`, "rollout.topP", number, 1),
  to(`${section}.top_k`, "rollout.topK", whole, -1, { convert: (k) => Math.max(0, k), remark: "−1 (off) becomes 0" }),
  to(`${section}.min_p`, "rollout.minP", number.nullable(), null, { convert: (p) => p ?? undefined }),
  to(`${section}.repetition_penalty`, "rollout.repetitionPenalty", number.nullable(), null, { convert: (penalty) => penalty ?? undefined }),
  only(`${section}.ignore_eos`, [false], "sampling past the stop token"),
  only(`${section}.over_sample_rate`, [0], "more samples than are used"),
  only(`${section}.skip_rollout`, [false], "rollouts from a file"),
  only(`${section}.use_fire_sampling`, [false], "a hotter first token"),
  only(`${section}.multi_turn.enable`, [false], "several turns in one completion"),
  only(`${section}.multi_turn.tool_config_path`, [], "tools during sampling"),
  only(`${section}.multi_turn.interaction_config_path`, [], "an environment that answers"),
  ...idle("read only with multi_turn.enable", `${section}.multi_turn.*`),
  only(`${section}.agent.default_agent_loop`, ["single_turn_agent"], "an agent's loop"),
  only(`${section}.agent.agent_loop_config_path`, [], "an agent's loop"),
  ...idle("sampling happens in this process", `${section}.agent.*`),
  ...idle(greedyOnly, `${validation.key}.*`),
  ...idle("the prompt's limit is data.max_prompt_length", `${section}.prompt_length`),
  ...idle(
    "sampling is verlet's own, in one process and with the trained weights themselves",
    ...keys("name", "mode", "dtype", "gpu_memory_utilization", "enforce_eager", "cudagraph_capture_sizes", "free_cache_engine", "tensor_model_parallel_size"),
    ...keys("data_parallel_size", "expert_parallel_size", "pipeline_model_parallel_size", "max_num_batched_tokens", "max_model_len", "max_num_seqs"),
    ...keys("enable_chunked_prefill", "enable_prefix_caching", "logprobs_mode", "scheduling_policy", "load_format", "disable_log_stats", "multi_stage_wake_up"),
    ...keys("engine_kwargs.*", "custom_async_server.*", "checkpoint_engine.*", "trace.*", "skip_dump_dir", "skip_tokenizer_init", "enable_rollout_routing_replay"),
    ...keys("profiler.*", "prometheus.*", "quantization", "quantization_config_file", "mtp.*", "layered_summon", "limit_images", "disable_mm_preprocessor_cache", "nnodes", "n_gpus_per_node", "enable_sleep_mode", "calculate_log_probs", "server.*"),
  ),
  ...idle(
    "log-probs are computed in the update itself",
    ...keys("log_prob_micro_batch_size", "log_prob_micro_batch_size_per_gpu", "log_prob_use_dynamic_bsz", "log_prob_max_token_len_per_gpu", "micro_batch_size"),
  ),
];
