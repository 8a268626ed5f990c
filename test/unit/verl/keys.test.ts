import { verlKeys } from "@verlet/config";
import { homedir } from "node:os";
import { describe, expect, test } from "vitest";
import { load, notesOn, valueAt } from "./verl-files.js";

const actor = "actor_rollout_ref.actor";
const optim = `${actor}.optim`;
const rollout = "actor_rollout_ref.rollout";
const model = "actor_rollout_ref.model";
const gae = "algorithm.adv_estimator=gae";
const klReward = "algorithm.use_kl_in_reward=true";
const lora = `${model}.lora_rank=8`;
const clipCov = `${actor}.policy_loss.loss_mode=clip_cov`;
const klCov = `${actor}.policy_loss.loss_mode=kl_cov`;
const sapo = `${actor}.policy_loss.loss_mode=sapo`;
const overlong = ["reward.reward_manager.name=dapo", "reward.reward_kwargs.overlong_buffer_cfg={enable: true, len: 8}"];
const filter = "algorithm.filter_groups.enable=true";
const prime = "algorithm_type=prime";
const accuracyFilter = [prime, "data.filter_accuracy=true"];

/** [the key with its value, verlet's key, its value there, further keys that it needs] */
const direct: [written: string, ours: string, value: unknown, ...beside: string[]][] = [
  ["data.train_files=a.jsonl", "data.train", "a.jsonl"],
  ["data.train_files=[a.json]", "data.train", "a.json"],
  ["data.train_files=[a.parquet, b.jsonl]", "data.train", ["a.parquet", "b.jsonl"]],
  ["data.train_files=~/a.jsonl", "data.train", `${homedir()}/a.jsonl`],
  ["data.val_files=b.jsonl", "data.eval", "b.jsonl"],
  ["data.train_batch_size=96", "trainer.batchSize", 96],
  ["data.max_prompt_length=99", "data.maxPromptTokens", 99],
  ["data.max_response_length=77", "rollout.maxNewTokens", 77],
  ["data.prompt_key=question", "data.columns.prompt", "question"],
  ["data.train_max_samples=5", "data.maxSamples", 5],
  ["data.train_max_samples=-1", "data.maxSamples", undefined],
  ["data.val_max_samples=6", "data.maxEvalSamples", 6, "data.val_files=b.jsonl"],
  ["data.shuffle=false", "data.shuffle", false],
  ["data.seed=9", "trainer.seed", 9],
  [`${model}.path=/m`, "model.path", "/m"],
  [lora, "model.lora.r", 8],
  [`${model}.lora_alpha=24`, "model.lora.alpha", 24, lora],
  [`${model}.target_modules=[q_proj, v_proj]`, "model.lora.targetModules", ["q_proj", "v_proj"], lora],
  [`${model}.target_modules=q_proj`, "model.lora.targetModules", ["q_proj"], lora],
  [`${model}.lora_adapter_path=/a`, "model.adapter", "/a"],
  [`${model}.enable_gradient_checkpointing=False`, "trainer.gradientCheckpointing", false],
  [`${rollout}.n=3`, "rollout.numGenerations", 3],
  [`${rollout}.response_length=55`, "rollout.maxNewTokens", 55],
  [`${rollout}.temperature=0.7`, "rollout.temperature", 0.7],
  [`${rollout}.do_sample=false`, "rollout.temperature", 0],
  [`${rollout}.top_p=0.9`, "rollout.topP", 0.9],
  [`${rollout}.top_k=-1`, "rollout.topK", 0],
  [`${rollout}.top_k=20`, "rollout.topK", 20],
  [`${rollout}.min_p=0.05`, "rollout.minP", 0.05],
  [`${rollout}.repetition_penalty=1.1`, "rollout.repetitionPenalty", 1.1],
  [`${optim}.lr=3e-5`, "optimizer.learningRate", 3e-5],
  [`${optim}.weight_decay=0.2`, "optimizer.weightDecay", 0.2],
  [`${optim}.betas=[0.8, 0.95]`, "optimizer.beta2", 0.95],
  [`${optim}.lr_warmup_steps=7`, "optimizer.schedule.warmupSteps", 7],
  [`${optim}.lr_warmup_steps_ratio=0.1`, "optimizer.schedule.warmupRatio", 0.1],
  [`${optim}.lr_scheduler_type=cosine`, "optimizer.schedule.name", "cosine"],
  [`${optim}.warmup_style=cosine`, "optimizer.schedule.name", "cosine"],
  [`${optim}.lr_decay_style=linear`, "optimizer.schedule.name", "linear"],
  [`${actor}.grad_clip=0.5`, "optimizer.maxGradNorm", 0.5],
  [`${optim}.clip_grad=0.4`, "optimizer.maxGradNorm", 0.4],
  [`${actor}.clip_ratio_low=0.1`, "loss.clipLow", 0.1],
  [`${actor}.clip_ratio_high=0.28`, "loss.clipHigh", 0.28],
  [`${actor}.clip_ratio_c=10`, "loss.clipDual", 10],
  [`${actor}.loss_agg_mode=seq-mean-token-sum`, "loss.aggregation", "seq-mean-token-sum"],
  [`${actor}.entropy_coeff=0.01`, "loss.entropyCoef", 0.01],
  [`${actor}.ppo_epochs=2`, "loss.iterations", 2],
  [`${actor}.ppo_mini_batch_size=256`, "loss.miniBatches", 4],
  [`${actor}.ppo_micro_batch_size_per_gpu=6`, "trainer.microBatchSize", 6],
  [`${actor}.ppo_micro_batch_size=5`, "trainer.microBatchSize", 5],
  [`${actor}.use_dynamic_bsz=true`, "trainer.microBatchSize", 16],
  [`${actor}.ppo_max_token_len_per_gpu=4096`, "trainer.microBatchSize", 4, `${actor}.use_dynamic_bsz=true`],
  [`${actor}.use_kl_loss=true`, "loss.klCoef", 0.001],
  [`${actor}.kl_loss_coef=0.02`, "loss.klCoef", 0.02, `${actor}.use_kl_loss=true`],
  [`${actor}.kl_loss_type=mse+`, "loss.klEstimator", "k2+", `${actor}.use_kl_loss=true`],
  [`${actor}.tau_pos=2`, "loss.tauPositive", 2, sapo],
  [`${actor}.tau_neg=3`, "loss.tauNegative", 3, sapo],
  [`${actor}.policy_loss.clip_cov_ratio=0.1`, "loss.share", 0.1, clipCov],
  [`${actor}.policy_loss.clip_cov_lb=2`, "loss.covLow", 2, clipCov],
  [`${actor}.policy_loss.clip_cov_ub=6`, "loss.covHigh", 6, clipCov],
  [`${actor}.policy_loss.kl_cov_ratio=0.3`, "loss.share", 0.3, klCov],
  [`${actor}.policy_loss.ppo_kl_coef=0.7`, "loss.penalty", 0.7, klCov],
  [`${actor}.policy_loss.dro_beta=0.4`, "loss.beta", 0.4, `${actor}.policy_loss.loss_mode=dro`],
  ["critic.optim.lr=2e-5", "algorithm.critic.learningRate", 2e-5, gae],
  ["critic.optim.weight_decay=0.3", "algorithm.critic.weightDecay", 0.3, gae],
  ["critic.grad_clip=2", "algorithm.critic.maxGradNorm", 2, gae],
  ["critic.cliprange_value=0.1", "algorithm.critic.clipValue", 0.1, gae],
  ["trainer.critic_warmup=3", "algorithm.critic.warmupSteps", 4, gae, `${actor}.ppo_mini_batch_size=512`],
  ["algorithm.gamma=0.9", "advantage.gamma", 0.9, gae],
  ["algorithm.lam=0.8", "advantage.lam", 0.8, gae],
  ["algorithm.norm_adv_by_std_in_grpo=false", "advantage.name", "drgrpo"],
  [filter, "algorithm.name", "dapo"],
  ["algorithm.filter_groups.max_num_gen_batches=4", "algorithm.maxRefills", 3, filter],
  [klReward, "loss.klPlace", "reward"],
  ["algorithm.kl_penalty=low_var_kl", "loss.klEstimator", "k3", klReward],
  ["algorithm.kl_ctrl.type=adaptive", "loss.klController", "adaptive", klReward],
  ["algorithm.kl_ctrl.kl_coef=0.3", "loss.klCoef", 0.3, klReward],
  ["algorithm.kl_ctrl.horizon=500", "loss.klHorizon", 500, klReward, "algorithm.kl_ctrl.type=adaptive"],
  ["algorithm.kl_ctrl.target_kl=0.2", "loss.klTarget", 0.2, klReward, "algorithm.kl_ctrl.type=adaptive"],
  ["reward.reward_manager.name=batch", "rewardManager.name", "batch"],
  ["reward_manager.name=batch", "rewardManager.name", "batch"],
  ["reward_model.reward_manager=prime", "rewardManager.name", "prime"],
  ["verifier.type=prime", "rewardManager.name", "prime"],
  ["verifier.reward_coef=5", "rewards.0.weight", 5],
  ["reward.reward_kwargs.overlong_buffer_cfg.enable=true", "rewardManager.name", "dapo", ...overlong],
  ["reward.reward_kwargs.overlong_buffer_cfg.len=16", "rewardManager.overlongBufferLength", 16, ...overlong],
  ["reward.reward_kwargs.overlong_buffer_cfg.penalty_factor=0.5", "rewardManager.penaltyFactor", 0.5, ...overlong],
  ["reward.reward_kwargs.max_resp_len=600", "rewardManager.maxResponseLength", 600, ...overlong],
  ["reward_model.overlong_buffer.enable=true", "rewardManager.name", "dapo", "reward_model.reward_manager=dapo", "reward_model.overlong_buffer.len=9"],
  ["reward_model.overlong_buffer.len=9", "rewardManager.overlongBufferLength", 9, "reward_model.reward_manager=dapo", "reward_model.overlong_buffer.enable=true"],
  ["reward_model.overlong_buffer.penalty_factor=2", "rewardManager.penaltyFactor", 2, "reward_model.reward_manager=dapo", "reward_model.overlong_buffer={enable: true, len: 9}"],
  ["reward_model.reward_kwargs.max_resp_len=700", "rewardManager.maxResponseLength", 700, ...overlong],
  ["algorithm.reward_gt_coef=2", "algorithm.outcomeCoef", 2, prime],
  ["algorithm.reward_dpo_coef=3", "algorithm.processCoef", 3, prime],
  ["reward_model.model.optim.lr=4e-6", "algorithm.rewardModel.learningRate", 4e-6, prime],
  ["reward_model.model.optim.weight_decay=0.1", "algorithm.rewardModel.weightDecay", 0.1, prime],
  ["reward_model.model.optim.grad_clip=4", "algorithm.rewardModel.maxGradNorm", 4, prime],
  ["reward_model.model.beta_train=0.1", "algorithm.rewardModel.beta", 0.1, prime],
  ["reward_model.model.update=after", "algorithm.rewardModel.update", "after", prime],
  ["reward_model.prime_norm=none", "algorithm.rewardModel.normalize", false, prime],
  ["data.filter_truncate=false", "algorithm.filter.dropTruncated", false, prime],
  ["data.filter_accuracy=false", "algorithm.filter.oversample", 1, prime],
  ["data.accuracy_lower_bound=0.1", "algorithm.filter.lowest", 0.1, ...accuracyFilter],
  ["data.accuracy_upper_bound=0.9", "algorithm.filter.highest", 0.9, ...accuracyFilter],
  ["data.oversample_factor=2", "algorithm.filter.oversample", 2, ...accuracyFilter],
  ["trainer.total_epochs=2", "trainer.epochs", 2],
  ["trainer.total_training_steps=10", "trainer.maxSteps", 40],
  ["trainer.save_freq=5", "trainer.saveEvery", 20],
  ["trainer.save_freq=-1", "trainer.saveEvery", 0],
  ["trainer.test_freq=3", "trainer.evalEvery", 12, "data.val_files=b.jsonl"],
  ["trainer.default_local_dir=/out", "trainer.outputDir", "/out"],
  ["trainer.project_name=p", "trainer.outputDir", "checkpoints/p/gsm8k"],
  ["trainer.experiment_name=e", "trainer.outputDir", "checkpoints/verl_examples/e"],
  ["trainer.resume_mode=disable", "trainer.resume", "never"],
  ["trainer.resume_from_path=/ck", "trainer.resume", "/ck", "trainer.resume_mode=resume_path"],
  ["trainer.logger=[console, file]", "trainer.loggers.0.name", "console"],
  ["trainer.logger=[tensorboard]", "trainer.loggers.0.name", "tensorboard"],
  ["trainer.project_name=p", "trainer.loggers.0.options.project", "p", "trainer.logger=[wandb]"],
  ["trainer.experiment_name=e", "trainer.loggers.0.options.runName", "e", "trainer.logger=[wandb]"],
  ["trainer.max_actor_ckpt_to_keep=4", "trainer.keepLast", 4],
  ["trainer.rollout_data_dir=/r", "trainer.rolloutsEvery", 4],
  ["data_logger.enable=true", "trainer.rolloutsEvery", 4],
  ["data_logger.log_frequency=5", "trainer.rolloutsEvery", 20, "data_logger.enable=true"],
];

test.each(direct)("%s → %s = %j", async (written, ours, value, ...beside) => {
  const loaded = await load([...beside, written]);
  expect(valueAt(loaded, ours)).toEqual(value);
});

test("every key that goes to one of verlet's is tried above or below", async () => {
  const tried = new Set(direct.flatMap(([written, , , ...beside]) => [written, ...beside]).map((one) => one.split("=")[0]!));
  const elsewhere = [
    /^algorithm_type$/,
    /^algorithm\.adv_estimator$/,
    /\.policy_loss\.loss_mode$/,
    /\.clip_ratio$/,
    /custom_reward_function/,
    /^reward_model\.reward_kwargs\.overlong_buffer_cfg/,
  ];
  const keys = verlKeys().filter(({ ours }) => ours !== "").flatMap(({ verl }) => verl);
  expect(keys.filter((key) => !tried.has(key) && !elsewhere.some((pattern) => pattern.test(key)))).toEqual([]);
});

describe("adv_estimator", () => {
  const estimators: [estimator: string, trainer: string, advantage: Record<string, unknown>, ...beside: string[]][] = [
    ["gae", "ppo", { name: "gae", options: { gamma: 1, lam: 1 } }],
    ["grpo", "grpo", { name: "grpo", options: { epsilon: 1e-6 } }],
    ["grpo_vectorized", "grpo", { name: "grpo", options: { epsilon: 1e-6 } }],
    ["grpo_passk", "grpo", { name: "grpo_passk", options: { normalize: false, epsilon: 1e-6 } }, "algorithm.norm_adv_by_std_in_grpo=false"],
    ["gdpo", "grpo", { name: "gdpo", options: { normalize: true, epsilon: 1e-6 } }],
    ["rloo", "grpo", { name: "rloo", options: {} }],
    ["rloo_vectorized", "grpo", { name: "rloo", options: {} }],
    ["reinforce_plus_plus", "grpo", { name: "reinforce_plus_plus", options: { gamma: 0.5 } }, "algorithm.gamma=0.5"],
    ["reinforce_plus_plus_baseline", "grpo", { name: "reinforce_plus_plus_baseline", options: {} }],
    ["remax", "grpo", { name: "remax", options: {} }],
    ["opo", "grpo", { name: "opo", options: {} }],
    ["gpg", "grpo", { name: "gpg", options: { fNorm: 1 } }],
    ["optimal_token_baseline", "grpo", { name: "optimal_token_baseline", options: expect.objectContaining({ compact: false }) as object }],
    ["tir_optimal_token_baseline", "grpo", { name: "optimal_token_baseline", options: expect.objectContaining({ compact: true }) as object }],
  ];
  test.each(estimators)("%s is trained by %s", async (estimator, trainer, advantage, ...beside) => {
    const { config } = await load([`algorithm.adv_estimator=${estimator}`, ...beside]);
    expect(config.algorithm.name).toBe(trainer);
    expect(config.advantage).toEqual(advantage);
  });

  test("a discount that the estimator does not read is noted", async () => {
    expect(notesOn(await load(["algorithm.gamma=0.9"]), "algorithm.gamma")).toEqual(["algorithm.gamma: not read (of gae and reinforce_plus_plus)"]);
  });
});

describe("loss_mode", () => {
  const bounds = { clipLow: 0.2, clipHigh: 0.2 };
  const modes: [mode: string, loss: Record<string, unknown>, aggregation: string][] = [
    ["vanilla", { name: "clip", options: { ...bounds, clipDual: 3 } }, "token-mean"],
    ["gspo", { name: "gspo", options: bounds }, "seq-mean-token-mean"],
    ["geo_mean", { name: "gmpo", options: bounds }, "seq-mean-token-mean"],
    ["cispo", { name: "cispo", options: bounds }, "token-mean"],
    ["sapo", { name: "sapo", options: { tauPositive: 1, tauNegative: 1.05 } }, "seq-mean-token-mean"],
    ["gpg", { name: "gpg", options: {} }, "token-mean"],
    ["clip_cov", { name: "clip_cov", options: { ...bounds, share: 2e-4, covLow: 1, covHigh: 5 } }, "token-mean"],
    ["kl_cov", { name: "kl_cov", options: { share: 2e-4, penalty: 0.1 } }, "token-mean"],
    ["dppo_tv", { name: "dppo_tv", options: { limitLow: 0.2, limitHigh: 0.2, ratioCap: 3 } }, "token-mean"],
    ["dppo_kl", { name: "dppo_kl", options: { limitLow: 0.2, limitHigh: 0.2, ratioCap: 3 } }, "token-mean"],
    ["dro", { name: "dro", options: { beta: 0.1 } }, "token-mean"],
  ];
  test.each(modes)("%s, with verl's defaults", async (mode, loss, aggregation) => {
    const { config } = await load([`${actor}.policy_loss.loss_mode=${mode}`]);
    expect(config.loss).toMatchObject({ ...loss, aggregation });
  });

  test("an aggregation that verl does not read with this loss is noted", async () => {
    const loaded = await load([`${actor}.policy_loss.loss_mode=gspo`, `${actor}.loss_agg_mode=token-mean`]);
    expect(loaded.config.loss.aggregation).toBe("seq-mean-token-mean");
    expect(notesOn(loaded, "loss_agg_mode")).toEqual([`${actor}.loss_agg_mode: not read: with this loss verl always takes seq-mean-token-mean`]);
  });
});

test("where the file says nothing, verl's defaults stand and not verlet's", async () => {
  const { config } = await load();
  expect(config).toMatchObject({
    data: { columns: { prompt: "prompt", answer: "reward_model.ground_truth" }, chatTemplate: "always", maxPromptTokens: 512 },
    rollout: { maxNewTokens: 512, temperature: 1, topP: 1, topK: 0 },
    rewards: [{ name: "by_data_source", weight: 1 }],
    rewardManager: { name: "naive" },
    loss: { klCoef: 0, entropyCoef: 0, iterations: 1, miniBatches: 4, maskTruncated: false, options: { clipLow: 0.2, clipHigh: 0.2, clipDual: 3 } },
    optimizer: { learningRate: 1e-6, weightDecay: 0.01, maxGradNorm: 1, schedule: { name: "constant" } },
    trainer: { epochs: 30, batchSize: 1024, outputDir: "checkpoints/verl_examples/gsm8k", resume: "auto", saveEvery: 0 },
  });
});

test("KL is off, in the loss or in the reward, never in both", async () => {
  expect((await load()).config.loss.klCoef).toBe(0);
  expect((await load([`${actor}.use_kl_loss=true`])).config.loss).toMatchObject({ klPlace: "loss", klCoef: 0.001, klEstimator: "k3" });
  expect((await load([klReward])).config.loss).toMatchObject({ klPlace: "reward", klCoef: 0.001, klEstimator: "k1", klController: "fixed" });
});
