/** Keys of VERL that do not do what they seem to. */
import { describe, expect, test, vi } from "vitest";
import { load, notesOn, problems, valueAt } from "./verl-files.js";

const actor = "actor_rollout_ref.actor";

describe("clip_ratio, which verl's own defaults of the two bounds make dead", () => {
  test("stands for both bounds, and the note says what verl would do", async () => {
    const loaded = await load([`${actor}.clip_ratio=0.3`]);
    expect([valueAt(loaded, "loss.clipLow"), valueAt(loaded, "loss.clipHigh")]).toEqual([0.3, 0.3]);
    expect(notesOn(loaded, "clip_ratio")).toEqual([
      `${actor}.clip_ratio: taken for the bounds that are not written; verl itself ignores it, because clip_ratio_low and clip_ratio_high have defaults (0.2) that win. Write those two`,
    ]);
  });
  test("gives way to a bound that is written", async () => {
    const loaded = await load([`${actor}.clip_ratio=0.3`, `${actor}.clip_ratio_high=0.28`]);
    expect([valueAt(loaded, "loss.clipLow"), valueAt(loaded, "loss.clipHigh")]).toEqual([0.3, 0.28]);
  });
  test("at verl's default it needs no word", async () => {
    expect(notesOn(await load([`${actor}.clip_ratio=0.2`]), "clip_ratio")).toEqual([]);
  });
});

describe("keys that verl moved and ignores at their old place", () => {
  test("are read there, and the note names the new place", async () => {
    const loaded = await load(["reward_model.reward_manager=batch", "verifier.type=prime"]);
    expect(loaded.config.rewardManager.name).toBe("batch");
    expect(notesOn(loaded, "reward_manager")).toEqual([
      "verifier.type: not read beside reward_model.reward_manager",
      "reward_model.reward_manager: read, though verl 0.9 accepts it there and ignores it; its place is now reward.reward_manager",
    ]);
  });
  test("the new place wins", async () => {
    const loaded = await load(["reward_model.reward_manager=batch", "reward.reward_manager.name=naive"]);
    expect(loaded.config.rewardManager.name).toBe("naive");
  });
});

describe("loss_scale_factor", () => {
  const norm = `${actor}.loss_agg_mode=seq-mean-token-sum-norm`;
  test("is the completion limit, or an error", async () => {
    expect(await problems([norm, `${actor}.loss_scale_factor=512`])).toEqual([]);
    expect(await problems([norm, `${actor}.loss_scale_factor=1024`])).toEqual([
      `[command line ${actor}.loss_scale_factor=1024] ${actor}.loss_scale_factor differs from the completion limit, by which verlet divides: got 1024, expected 512. Leave it out, or set data.max_response_length to it.`,
    ]);
  });
  test("is noted where the aggregation does not read it", async () => {
    expect(notesOn(await load([`${actor}.loss_scale_factor=7`]), "loss_scale_factor")).toEqual([`${actor}.loss_scale_factor: read only with loss_agg_mode seq-mean-token-sum-norm`]);
  });
});

describe("batch sizes", () => {
  test("a mini-batch larger than the batch is one update, which verl 0.9 refuses", async () => {
    const loaded = await load(["data.train_batch_size=48", `${actor}.ppo_mini_batch_size=64`]);
    expect(loaded.config.loss.miniBatches).toBe(1);
    expect(notesOn(loaded, "ppo_mini_batch_size")).toEqual([`${actor}.ppo_mini_batch_size: 64 prompts are more than a batch has, so the whole batch of 48 is one update; verl 0.9 refuses it`]);
  });
  test("one that does not divide it leaves parts of nearly equal size", async () => {
    const loaded = await load(["data.train_batch_size=100", `${actor}.ppo_mini_batch_size=30`]);
    expect(loaded.config.loss.miniBatches).toBe(4);
    expect(notesOn(loaded, "ppo_mini_batch_size")).toEqual([`${actor}.ppo_mini_batch_size: a batch of 100 prompts does not divide by 30; it is cut into 4 parts of nearly equal size`]);
  });
  test("steps count updates: a batch of verl's has several", async () => {
    const { config } = await load(["data.train_batch_size=64", `${actor}.ppo_mini_batch_size=16`, `${actor}.ppo_epochs=2`, "trainer.total_training_steps=5", "trainer.save_freq=1"]);
    expect(config.trainer).toMatchObject({ maxSteps: 40, saveEvery: 8 });
  });
  test("gen_batch_size means something with filter_groups alone", async () => {
    expect(await problems(["data.gen_batch_size=512"])).toEqual([
      "[command line data.gen_batch_size=512] data.gen_batch_size differs from data.train_batch_size without filter_groups: got 512, expected null, or the same number.",
    ]);
    expect(notesOn(await load(["data.gen_batch_size=512", "algorithm.filter_groups.enable=true"]), "gen_batch_size")).toEqual(["data.gen_batch_size: dapo draws train_batch_size prompts at a time"]);
  });
  test("the micro-batch stands in one of two keys", async () => {
    expect(await problems([`${actor}.ppo_micro_batch_size=4`, `${actor}.ppo_micro_batch_size_per_gpu=8`])).toEqual([
      `[command line ${actor}.ppo_micro_batch_size=4] ${actor}.ppo_micro_batch_size stands beside ${actor}.ppo_micro_batch_size_per_gpu: got 4, expected one of them, as verl asks for.`,
    ]);
  });
});

test("critic_warmup n leaves n − 1 batches to the critic alone, as in verl", async () => {
  const gae = "algorithm.adv_estimator=gae";
  expect(valueAt(await load([gae, "trainer.critic_warmup=1"]), "algorithm.critic.warmupSteps")).toBe(0);
  expect(valueAt(await load([gae, "trainer.critic_warmup=3", `${actor}.ppo_mini_batch_size=1024`]), "algorithm.critic.warmupSteps")).toBe(2);
});

test("the critic's keys are noted where there is no critic", async () => {
  expect(notesOn(await load(["critic.optim.lr=1e-5", "critic.ppo_max_token_len_per_gpu=9"]), "critic")).toEqual([
    "critic.optim.lr: not read: grpo has no critic",
    "critic.ppo_max_token_len_per_gpu: no counterpart, the critic follows the actor's optimizer and micro-batches, and lies on the same machine",
  ]);
});

test("filter_groups says what verl does at its limit", async () => {
  const filter = "algorithm.filter_groups.enable=true";
  expect(notesOn(await load([filter, "algorithm.filter_groups.max_num_gen_batches=3", "algorithm.filter_groups.metric=acc"]), "filter_groups")).toEqual([
    "algorithm.filter_groups.max_num_gen_batches: reached, the step goes on with the groups there are; verl stops with an error",
    "algorithm.filter_groups.metric: groups are compared by their scores, overlong penalty included",
  ]);
  const { config } = await load([filter]);
  expect(config.algorithm.options).toEqual({ maxRefills: 10 });
  expect(config.loss).toMatchObject({ maskTruncated: false, options: { clipHigh: 0.2 } }); // verl's, not those that verlet's dapo brings
});

test("an overlong buffer that no manager reads is an error", async () => {
  expect(await problems(["reward.reward_kwargs.overlong_buffer_cfg={enable: true, len: 8}"])).toEqual([
    expect.stringContaining("the overlong buffer is on, and the reward manager naive does not read it: got true, expected the reward manager dapo. Set the manager's name to dapo, or enable to false."),
  ]);
  const loaded = await load(["reward.reward_manager.name=dapo"]);
  expect(loaded.config.rewardManager.name).toBe("naive");
  expect(notesOn(loaded, "dapo")).toEqual(["reward.reward_manager.name: dapo without its overlong buffer is naive"]);
});

test("a number of rows is taken of each file", async () => {
  expect(notesOn(await load(["data.train_files=[a.jsonl, b.jsonl]", "data.train_max_samples=9"]), "max_samples")).toEqual(["data.train_max_samples: taken of each file; verl takes as many of all together"]);
});

test("without evaluation rows the keys about them are noted", async () => {
  const loaded = await load(["trainer.test_freq=5", "data.val_max_samples=9"]);
  expect(loaded.config.trainer.evalEvery).toBe(0);
  expect(notesOn(loaded, "val_files")).toEqual(["data.val_max_samples, trainer.test_freq: not read: there are no data.val_files"]);
});

test("loggers that are not registered are named, and metrics.jsonl is always written", async () => {
  const loaded = await load(["trainer.logger=[tensorboard, swanlab]"]);
  expect(loaded.config.trainer.loggers.map(({ name }) => name)).toEqual(["tensorboard", "jsonl"]);
  expect(notesOn(loaded, "logger")).toEqual(["trainer.logger: no logger named swanlab is registered; metrics go to tensorboard, jsonl"]);
});

test("wandb gets the project and the experiment; verl's default list, which has it too, needs no W&B", async () => {
  const loggersOf = async (keys: readonly string[]): Promise<unknown> => (await load(keys)).config.trainer.loggers;
  const wandb = (project: string, runName: string): object => ({ name: "wandb", options: { project, runName } });
  expect(await loggersOf(["trainer.logger=[wandb]"])).toEqual([wandb("verl_examples", "gsm8k"), { name: "jsonl", options: {} }]);
  expect(await loggersOf(["trainer.logger=[wandb, file]", "trainer.project_name=p", "trainer.experiment_name=e"])).toEqual([wandb("p", "e"), { name: "jsonl", options: {} }]);
  expect(await loggersOf([])).toEqual([{ name: "console", options: { every: 1 } }, { name: "jsonl", options: {} }]);
});

test("TENSORBOARD_DIR is the folder of the event files, as in verl", async () => {
  vi.stubEnv("TENSORBOARD_DIR", "board/one");
  const { config } = await load(["trainer.logger=[tensorboard]"]);
  vi.unstubAllEnvs();
  expect(config.trainer.loggers[0]).toEqual({ name: "tensorboard", options: { dir: "board/one" } });
});

test("keys on which no result depends are noted, a section at a time; nulls and empty mappings need no word", async () => {
  const loaded = await load([
    "actor_rollout_ref.rollout={tensor_model_parallel_size: 4, gpu_memory_utilization: 0.6, name: vllm, engine_kwargs: {vllm: {}}, max_model_len: null}",
    "trainer.nnodes=2",
    "ray_kwargs.ray_init.num_cpus=8",
    "actor_rollout_ref.hybrid_engine=true",
    "actor_rollout_ref.actor.fsdp_config.param_offload=true",
  ]);
  expect(loaded.translation!.notes).toEqual([
    "actor_rollout_ref.rollout.{name, gpu_memory_utilization, tensor_model_parallel_size}: no counterpart, sampling is verlet's own, in one process and with the trained weights themselves",
    "actor_rollout_ref.actor.fsdp_config: no counterpart, speed and memory of PyTorch on several GPUs",
    "trainer.nnodes, actor_rollout_ref.hybrid_engine, ray_kwargs: no counterpart, everything runs on one machine, in one process",
  ]);
});
