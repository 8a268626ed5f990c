import { expect, test } from "vitest";
import { problems, smallest } from "./verl-files.js";

/** The problems without what is expected: [position, what, got, fix]. */
const short = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/, expected .*?(?=\. [A-Z]|\.$)/, ""));

test("everything wrong at once, in the order of the lines, at the user's own positions", async () => {
  const text = `data:
  train_files: 7
  train_batch_sise: 12
  max_prompt_length: many
  apply_chat_template_kwargs: { enable_thinking: false }
actor_rollout_ref:
  model: { path: ~/m, lora_rank: -0.5 }
  actor:
    optim: { lr: 0, min_lr_ratio: 0.1, lrr: 3 }
    kl_loss_type: low_var
    use_kl_loss: true
    loss_agg_mode: token_mean
    policy_loss: { loss_mode: vanila }
  rollout:
    n: 0
    multi_turn: { enable: true, max_assistant_turns: 3 }
    temperature: \${data.temprature}
algorithm:
  adv_estimator: grpoo
  rollout_correction: { rollout_is: token, rollout_is_threshold: 2.0 }
trainer: 7
model: { path: x }
lora_rank: 3
verlet: { trainer: { sede: 3 } }
`;
  expect(short(await problems([], text))).toEqual([
    "[verl.yaml:2:16] data.train_files: got 7.",
    "[verl.yaml:3:3] unknown key in VERL's data: got `train_batch_sise`. Did you mean `train_batch_size`?",
    '[verl.yaml:4:22] data.max_prompt_length: got "many".',
    '[verl.yaml:5:31] data.apply_chat_template_kwargs asks for something that verlet does not do: variables for the chat template: got {"enable_thinking":false}.',
    "[verl.yaml:7:34] actor_rollout_ref.model.lora_rank: got -0.5.",
    "[verl.yaml:9:18 actor_rollout_ref.actor.optim.lr] optimizer.learningRate: got 0.",
    "[verl.yaml:9:35] actor_rollout_ref.actor.optim.min_lr_ratio asks for something that verlet does not do: a lowest rate above 0: got 0.1.",
    "[verl.yaml:9:40] unknown key in VERL's actor_rollout_ref.actor.optim: got `lrr`. Did you mean `lr`?",
    '[verl.yaml:10:19] actor_rollout_ref.actor.kl_loss_type: got "low_var". Did you mean "low_var_kl"?',
    '[verl.yaml:12:20 actor_rollout_ref.actor.loss_agg_mode] loss.aggregation: got "token_mean". Did you mean "token-mean"?',
    expect.stringMatching(/^\[verl\.yaml:13:31 actor_rollout_ref\.actor\.policy_loss\.loss_mode\] unknown policy loss: got "vanila"\./),
    "[verl.yaml:15:8 actor_rollout_ref.rollout.n] rollout.numGenerations: got 0.",
    "[verl.yaml:16:27] actor_rollout_ref.rollout.multi_turn.enable asks for something that verlet does not do: several turns in one completion: got true.",
    "[verl.yaml:17:18] ${data.temprature} leads nowhere: got no key data.temprature.",
    expect.stringMatching(/^\[verl\.yaml:19:18 algorithm\.adv_estimator\] unknown advantage: got "grpoo"\. Did you mean "grpo"\?/),
    '[verl.yaml:20:37] algorithm.rollout_correction.rollout_is asks for something that verlet does not do: importance weights between sampler and trainer: got "token". Take it out: here the weights that train are the ones that sample.',
    "[verl.yaml:21:10] trainer: got 7.",
    "[verl.yaml:22:1] unknown key in a file of VERL's shape: got `model`. Write it under `verlet:`, which holds verlet's own keys in a file of VERL's shape.",
    "[verl.yaml:23:1] unknown key in a file of VERL's shape: got `lora_rank`. Did you mean `actor_rollout_ref.model.lora_rank`?",
    "[verl.yaml:24:22] unknown key in trainer: got `sede`. Did you mean `seed`?",
  ]);
});

test("an unknown key names all of its section", async () => {
  const [line] = await problems(["algorithm.kl_ctrl.coef=1"]);
  expect(line).toBe("[command line algorithm.kl_ctrl.coef=1] unknown key in VERL's algorithm.kl_ctrl: got `coef`, expected one of type, kl_coef, horizon, target_kl. Did you mean `kl_coef`?");
});

test("what is needed is asked for by VERL's name", async () => {
  expect(await problems([], "actor_rollout_ref: {}\nalgorithm: { adv_estimator: grpo }\n")).toEqual([
    "[verl.yaml:1:1] actor_rollout_ref.model.path is missing: expected a Hugging Face model folder.",
    "[verl.yaml:1:1] data.train_files is missing: expected the path of the training rows.",
    "[verl's default of actor_rollout_ref.rollout.n] rollout.numGenerations: got 1, expected at least 2, which advantage grpo needs.",
  ]);
});

/** [an override, words of the error] */
const refused: [override: string, words: string | RegExp, ...beside: string[]][] = [
  ["data.custom_cls.path=x.py", "a data set class"],
  ["data.sampler.class_path=x.py", "a sampler of rows"],
  ["data.datagen.path=x.py", "a generator of rows"],
  ["data.tool_config_path=x.yaml", "tools during sampling"],
  ["data.tokenizer=/t", "the tokenizer is the model folder's own"],
  ["data.reward_fn_key=source", "verl 0.9 reads data_source whatever this says"],
  ["data.filter_accuracy=true", "data.filter_accuracy without PRIME"],
  ["actor_rollout_ref.model.tokenizer_path=/t", "actor_rollout_ref.model.tokenizer_path differs from the model's path"],
  ["actor_rollout_ref.model.custom_chat_template=x", "a chat template that is not the tokenizer's"],
  ["actor_rollout_ref.model.external_lib=x", "a Python module"],
  ["actor_rollout_ref.model.override_config={attention_dropout: 0.1}", "a model that differs from its config.json"],
  ["actor_rollout_ref.model.exclude_modules=[q]", "layers left out of LoRA"],
  ["actor_rollout_ref.model.mtp.enable=true", "multi-token prediction"],
  ["actor_rollout_ref.rollout.ignore_eos=true", "sampling past the stop token"],
  ["actor_rollout_ref.rollout.skip_rollout=true", "rollouts from a file"],
  ["actor_rollout_ref.rollout.agent.default_agent_loop=tool_agent", "an agent's loop"],
  ["actor_rollout_ref.rollout.response_length=9", "differ: got 9, expected 512 in both, or one of them", "data.max_response_length=512"],
  ["actor_rollout_ref.actor.optim.optimizer=SGD", "asks for an optimizer that verlet does not have: got \"SGD\", expected AdamW"],
  ["actor_rollout_ref.actor.optim.override_optimizer_config={a: 1}", "arguments of a PyTorch optimizer"],
  ["actor_rollout_ref.actor.optim.clip_grad=2", "differ: got 2, expected 1 in both, or one of them", "actor_rollout_ref.actor.grad_clip=1"],
  ["actor_rollout_ref.actor.policy_loss.loss_mode=bypass_mode", "old log-probs from the sampler"],
  ["actor_rollout_ref.actor.router_replay.mode=R2", "replayed routes of a mixture of experts"],
  ["actor_rollout_ref.actor.kl_loss_type=full", "the whole vocabulary's KL: got \"full\", expected an estimate from samples such as k3. verl documents `full` and does not have it either", "actor_rollout_ref.actor.use_kl_loss=true"],
  ["algorithm.use_kl_in_reward=true", "are both on: got true, expected one KL term, in the reward or in the loss", "actor_rollout_ref.actor.use_kl_loss=true"],
  ["algorithm.use_pf_ppo=true", "PF-PPO's resampling of the batch"],
  ["algorithm.rollout_correction.bypass_mode=true", "old log-probs from the sampler"],
  ["algorithm.filter_groups.enable=true", "algorithm.filter_groups.enable with adv_estimator gae", "algorithm.adv_estimator=gae"],
  ["algorithm.gdpo_reward_keys=[a]", "rewards of GDPO by key"],
  ["critic.enable=true", "critic.enable with the algorithm grpo: got true, expected null or false"],
  ["critic.ppo_epochs=3", "critic.ppo_epochs differs from actor_rollout_ref.actor.ppo_epochs: got 3, expected 1", "algorithm.adv_estimator=gae"],
  ["critic.optim.lr_warmup_steps_ratio=0.1", "critic.optim.lr_warmup_steps_ratio differs", "algorithm.adv_estimator=gae"],
  ["critic.model.path=/other", "critic.model.path differs from actor_rollout_ref.model.path", "algorithm.adv_estimator=gae"],
  ["critic.model.lora_rank=4", "critic.model.lora_rank beside actor_rollout_ref.model.lora_rank: got 4, expected LoRA for both or for none", "algorithm.adv_estimator=gae"],
  ["reward_model.enable=true", "reward_model.enable asks for a reward model, which this file cannot bring along"],
  ["reward.reward_model.enable=true", "reward.reward_model.enable asks for a reward model"],
  ["reward_model.rm_coef=0.5", "reward_model.rm_coef asks for a reward model"],
  ["reward.custom_reward_function.path=./r.py", "is a Python file: got \"./r.py\", expected a .ts or .js file that exports the same function"],
  ["reward.custom_reward_function.name=mine", "reward.custom_reward_function.name without its path"],
  ["reward.reward_manager.source=importlib", "a class from a module"],
  ["reward.reward_manager.name=mine", /unknown reward manager: got "mine"/],
  ["algorithm.adv_estimator=grpo", "algorithm.adv_estimator of a PRIME file: got \"grpo\", expected rloo", "reward_model.enable=true", "reward_model.prime_norm=none"],
  ["reward_model.prime_granularity=whole", "a process reward for each completion", "algorithm_type=prime"],
  ["reward_model.model.path=/other", "the reward model starts as a copy of the policy", "algorithm_type=prime"],
  ["trainer.val_only=true", "evaluation alone"],
  ["trainer.resume_mode=resume_path", "trainer.resume_from_path is missing with resume_mode resume_path"],
  ["trainer.resume_mode=always", "trainer.resume_mode: got \"always\", expected one of auto, disable, resume_path"],
  ["distillation.enabled=true", "on-policy distillation"],
  ["defaults=[my_trainer, _self_]", "`defaults` names a file that is not verl's own: got my_trainer, expected ppo_trainer, _self_. Name your file with `extends: ./base.yaml`"],
  ["verlet=7", "verlet: got 7, expected a mapping with verlet's own keys"],
];

test.each(refused)("%s is refused", async (override, words, ...beside) => {
  const found = await problems([...beside, override]);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(words);
});

test("what leaves such things off is no error, and needs no word", async () => {
  const off = [
    "data={custom_cls: {path: null, name: null}, apply_chat_template_kwargs: {}}",
    "actor_rollout_ref.model={external_lib: null, override_config: {model_config: {}}, mtp: {enable: false}, use_remove_padding: null}",
    "actor_rollout_ref.rollout={multi_turn: {enable: False}, agent: {default_agent_loop: single_turn_agent}, ignore_eos: False}",
    "algorithm.rollout_correction={rollout_is: null, rollout_rs: null, bypass_mode: False}",
    "reward_model={enable: False, rm_coef: 0.0}",
    "defaults=[ppo_trainer, _self_]",
    "critic.enable=null",
  ];
  expect(await problems(off)).toEqual([]);
});

test("a Python class name beside a section is passed over", async () => {
  expect(await problems([], `${smallest}critic: { _target_: verl.workers.config.FSDPCriticConfig, optim: { _target_: x } }\n`)).toEqual([]);
});
