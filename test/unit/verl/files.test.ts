/** Reading files in VERL's shape: interpolation, extends, overrides, the algorithm type, and verlet's own section. */
import { loadConfig, resolveConfig, verlTableText, type LoadedConfig } from "@verlet/config";
import { registerTrainer } from "@verlet/core";
import { describe, expect, test } from "vitest";
import { folderWith, problemsOf } from "../config/helpers.js";
import { load, notesOn, problems, smallest, valueAt } from "./verl-files.js";

describe("a file is in VERL's shape when it has a section or key that only VERL has", () => {
  test.each(["actor_rollout_ref: {}", "verifier: { reward_coef: 1 }", "reward_model: {}", "custom_reward_function: {}", "data: { train_files: x }", "algorithm: { adv_estimator: grpo }", "trainer: { total_epochs: 3 }"])("%s", async (text) => {
    expect(await problems([], `${text}\n`)).toContainEqual(expect.stringContaining("actor_rollout_ref.model.path is missing"));
  });
  test("and any other is verlet's own", async () => {
    const found = await problems([], "algorithm: grpo\ndata: { trian: x }\ntrainer: { epochs: 3 }\n");
    expect(found).toContainEqual(expect.stringContaining("unknown key in data: got `trian`"));
    expect(found).toContainEqual(expect.stringContaining("model.path is missing: expected text."));
  });
});

describe("interpolation", () => {
  const withKeys = (text: string): string => `${smallest}${text}`;

  test("takes a key of the file, with its type, and text around it", async () => {
    const loaded = await load(["data.max_prompt_length=33"], withKeys('critic: { ppo_epochs: "${actor_rollout_ref.actor.ppo_epochs}" }\ntrainer: { project_name: p, default_local_dir: "/runs/${trainer.project_name}/${data.max_prompt_length}" }\n'));
    expect(loaded.config.trainer.outputDir).toBe("/runs/p/33");
  });
  test("takes verl's default of a key that the file does not write", async () => {
    expect((await load([], withKeys("trainer: { default_local_dir: 'x/${trainer.experiment_name}' }\n"))).config.trainer.outputDir).toBe("x/gsm8k");
  });
  test("knows relative keys, oc.select and oc.env", async () => {
    process.env.VERL_TEST_FOLDER = "/env";
    const text = withKeys(`trainer: { total_epochs: 7, total_training_steps: "\${.total_epochs}", default_local_dir: "\${oc.env:VERL_TEST_FOLDER}/\${oc.env:VERL_TEST_NONE,none}", save_freq: "\${oc.select:trainer.nothing,11}" }\n`);
    const { config } = await load(["data.train_batch_size=256"], text);
    delete process.env.VERL_TEST_FOLDER;
    expect(config.trainer).toMatchObject({ maxSteps: 7, saveEvery: 11, outputDir: "/env/none" });
  });
  test("follows one that leads to another, and says when it goes round", async () => {
    const text = withKeys("trainer: { project_name: '${trainer.experiment_name}', experiment_name: '${data.prompt_key}', default_local_dir: '${trainer.project_name}' }\n");
    expect((await load([], text)).config.trainer.outputDir).toBe("prompt");
    expect(await problems([], withKeys("trainer: { project_name: '${trainer.experiment_name}', experiment_name: '${trainer.project_name}' }\n"))).toContainEqual(
      "[verl.yaml:6:26] ${trainer.experiment_name} leads nowhere: got trainer.experiment_name → trainer.project_name → trainer.experiment_name, expected keys that do not lead back.",
    );
  });
  test("says what it cannot find, and which resolver it does not know", async () => {
    expect(await problems([], withKeys('trainer: { default_local_dir: "${oc.env:VERL_TEST_NONE}", experiment_name: "${now:%H}" }\n'))).toEqual([
      "[verl.yaml:6:31] ${oc.env:VERL_TEST_NONE} leads nowhere: got no VERL_TEST_NONE in the environment, expected one that is set.",
      "[verl.yaml:6:76] ${now:%H} leads nowhere: got the resolver now, expected oc.select, oc.env, or a key.",
    ]);
  });
});

test("one file extends another in VERL's keys, and only what neither says is verl's default", async () => {
  const folder = folderWith({
    "base.yaml": `${smallest}trainer: { total_epochs: 5, save_freq: 8 }\n`,
    "top.yaml": "extends: ./base.yaml\ntrainer: { total_epochs: 6 }\nactor_rollout_ref: { actor: { ppo_mini_batch_size: 1024, optim: { lr: nope } } }\n",
  });
  expect(await problemsOf(loadConfig(`${folder}/top.yaml`), folder)).toEqual(["[~/top.yaml:3:71] actor_rollout_ref.actor.optim.lr: got \"nope\", expected a number."]);
  const { config } = await loadConfig(`${folder}/top.yaml`, ["actor_rollout_ref.actor.optim.lr=1e-4"]);
  expect(config.trainer).toMatchObject({ epochs: 6, saveEvery: 8 });
  expect(config.optimizer.learningRate).toBe(1e-4);
});

describe("overrides", () => {
  test("are VERL's keys, in Hydra's forms too, or verlet's", async () => {
    const { config } = await load([
      "+actor_rollout_ref.rollout.n=6",
      "++data.train_batch_size=256",
      "~algorithm.adv_estimator",
      "algorithm.gamma=0.5",
      "trainer.maxSteps=3",
      "trainer.loggers=[jsonl]",
      "algorithm.critic.learningRate=0.5",
      "rewards.0.weight=2",
      "backend=cpu",
    ]);
    expect(config).toMatchObject({
      algorithm: { name: "ppo", options: { critic: { learningRate: 0.5 } } }, // without adv_estimator verl's default, gae
      advantage: { options: { gamma: 0.5 } },
      rollout: { numGenerations: 6 },
      trainer: { batchSize: 256, maxSteps: 3 },
      rewards: [{ weight: 2 }],
      backend: "cpu",
    });
  });
  test("an unknown one is told by the shape it looks like", async () => {
    expect((await problems(["trainer.total_epoch=7", "algorithm.kl_ctrl.coef=1", "actor_rollout_ref.rollout.nn=2", "loss.klKoef=1"])).sort()).toEqual([
      expect.stringMatching(/^\[command line actor_rollout_ref\.rollout\.nn=2\] unknown key in VERL's actor_rollout_ref\.rollout: .* Did you mean `n`\?$/),
      expect.stringMatching(/^\[command line algorithm\.kl_ctrl\.coef=1\] unknown key in VERL's algorithm\.kl_ctrl: got `coef`, expected one of type, kl_coef, horizon, target_kl\. Did you mean `kl_coef`\?$/),
      expect.stringMatching(/^\[command line loss\.klKoef=1\] unknown key in loss: got `klKoef`/),
      expect.stringMatching(/^\[command line trainer\.total_epoch=7\] unknown key in VERL's trainer: got `total_epoch`, .* Did you mean `total_epochs`\?$/),
    ]);
  });
});

describe("verlet's own section", () => {
  const own = `verlet:
  rewards: [{ name: accuracy, weight: 2 }, { name: format, options: { pattern: "^A" } }]
  data: { columns: { answer: solution } }
  optimizer: { beta1: 0.5 }
  backend: cpu
`;
  test("stands over the translation, part by part, and is in the table", async () => {
    const loaded = await load(["actor_rollout_ref.actor.optim.betas=[0.7, 0.8]"], `${smallest}${own}`);
    expect(loaded.config).toMatchObject({
      rewards: [{ name: "accuracy", weight: 2 }, { name: "format" }],
      data: { columns: { prompt: "prompt", answer: "solution" } },
      optimizer: { beta1: 0.5, beta2: 0.8 },
      backend: "cpu",
    });
    const rows = loaded.translation!.keys.filter(({ ours }) => ours === "optimizer.beta1" || ours === "data.columns.answer");
    expect(rows).toEqual([
      { verl: "(a row's) reward_model.ground_truth", ours: "data.columns.answer", value: "solution", written: false, over: true },
      { verl: "actor_rollout_ref.actor.optim.betas", ours: "optimizer.beta1", value: 0.5, written: true, over: true },
      { verl: "verlet.data.columns.answer", ours: "data.columns.answer", value: "solution", written: true },
      { verl: "verlet.optimizer.beta1", ours: "optimizer.beta1", value: 0.5, written: true },
    ]);
  });
  test("another part in the place of one is shown whole, once", async () => {
    const { translation } = await load(["advantage=rloo"]);
    expect(translation!.keys.filter(({ ours }) => ours.startsWith("advantage")).map(({ ours, value, over }) => [ours, value, over])).toEqual([["advantage.name", "rloo", true], ["advantage", { name: "rloo" }, true]]);
  });
  test("its plugins are loaded, from the file's folder", async () => {
    const folder = folderWith({
      "mine.ts": 'import { registerAdvantage } from "verlet";\nregisterAdvantage("temporary-mine")(({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }));\n',
      "run.yaml": `${smallest.replace("adv_estimator: grpo", "adv_estimator: temporary-mine")}verlet: { plugins: [./mine.ts] }\n`,
      "broken.yaml": `${smallest}verlet: { plugins: [./none.ts] }\n`,
    });
    const { config } = await loadConfig(`${folder}/run.yaml`);
    expect([config.algorithm.name, config.advantage.name]).toEqual(["grpo", "temporary-mine"]);
    expect(await problemsOf(loadConfig(`${folder}/broken.yaml`), folder)).toEqual([expect.stringMatching(/^\[~\/broken\.yaml:6:21\] plugin \.\/none\.ts: no such file/)]);
  });
});

describe("the algorithm type", () => {
  const types: [type: string, expected: Record<string, unknown>][] = [
    ["ppo", { algorithm: { name: "ppo" }, advantage: { name: "gae" } }],
    ["grpo", { algorithm: { name: "grpo" }, advantage: { name: "grpo" } }],
    ["drgrpo", { algorithm: { name: "grpo" }, advantage: { name: "drgrpo" }, loss: { aggregation: "seq-mean-token-sum-norm" } }],
    ["dapo", { algorithm: { name: "dapo" }, advantage: { name: "grpo" }, loss: { options: { clipLow: 0.2, clipHigh: 0.28 }, maskTruncated: false } }],
    ["rloo", { algorithm: { name: "grpo" }, advantage: { name: "rloo" } }],
    ["gspo", { algorithm: { name: "grpo" }, advantage: { name: "grpo" }, loss: { name: "gspo", aggregation: "seq-mean-token-mean" } }],
    ["gmpo", { loss: { name: "gmpo" } }],
    ["cispo", { loss: { name: "cispo" } }],
    ["sapo", { loss: { name: "sapo" } }],
    ["gpg", { advantage: { name: "gpg" }, loss: { name: "gpg" } }],
    ["prime", { algorithm: { name: "prime", options: { filter: { lowest: 0.2 }, rewardModel: { maxGradNorm: 10 } } }, rewardManager: { name: "naive" } }],
  ];
  test.each(types)("%s over a GRPO file", async (type, expected) => {
    expect((await load([`algorithm_type=${type}`])).config).toMatchObject(expected);
  });

  test("fills what the file leaves out and nothing else; what gives way is said", async () => {
    const loaded = await load(["algorithm_type=dapo", "actor_rollout_ref.actor.clip_ratio_high=0.25", "algorithm.adv_estimator=rloo", "algorithm.filter_groups.enable=false"]);
    expect(valueAt(loaded, "loss.clipHigh")).toBe(0.25);
    expect(loaded.config).toMatchObject({ algorithm: { name: "dapo" }, advantage: { name: "grpo" } });
    expect(notesOn(loaded, "rloo")).toEqual(['algorithm.adv_estimator: "rloo" gives way to grpo, which the algorithm type dapo asks for']);
    expect(loaded.translation!.keys[0]).toEqual({ verl: "algorithm_type", ours: "algorithm.name", value: "dapo", written: true });
  });
  test("may be any registered algorithm, which then brings its own advantage", async () => {
    expect(await problems(["algorithm_type=grqo"])).toEqual([expect.stringMatching(/^\[command line algorithm_type=grqo algorithm_type\] unknown algorithm: got "grqo", .* Did you mean "grpo"\?/)]);
  });
  test("of the user's own brings its advantage and loss over the file's estimator and verl's default loss; what it does not name is the file's", async () => {
    const trainer = (() => undefined) as never;
    registerTrainer("temporary-whole", { uses: ["rollout", "rewards", "advantage", "loss"], defaults: { advantage: { name: "rloo" }, loss: { name: "gpg" } } })(trainer);
    registerTrainer("temporary-bare", { uses: ["rollout", "rewards", "advantage", "loss"] })(trainer);
    const whole = await load(["algorithm_type=temporary-whole"]);
    expect(whole.config).toMatchObject({ algorithm: { name: "temporary-whole" }, advantage: { name: "rloo" }, loss: { name: "gpg", aggregation: "token-mean" } });
    expect(notesOn(whole, "adv_estimator")).toEqual(['algorithm.adv_estimator: "grpo" gives way to rloo, which the algorithm type temporary-whole asks for']);
    expect((await load(["algorithm_type=temporary-whole", "actor_rollout_ref.actor.policy_loss.loss_mode=cispo"])).config.loss.name).toBe("cispo");
    expect((await load(["algorithm_type=temporary-bare"])).config).toMatchObject({ advantage: { name: "grpo" }, loss: { name: "clip" } });
  });
});

describe("the printed table", () => {
  let loaded: LoadedConfig;
  const lines = async (): Promise<string[]> => {
    loaded ??= await load(["actor_rollout_ref.actor.optim.lr=3e-4", "trainer.nnodes=1", "trainer.maxSteps=3"]);
    return verlTableText(loaded.translation!).split("\n");
  };
  test("has what is written, verl's defaults, and the notes", async () => {
    const text = await lines();
    expect(text[0]).toBe("Translated from VERL's shape");
    expect(text).toContainEqual(expect.stringMatching(/^ {2}actor_rollout_ref\.actor\.optim\.lr +optimizer\.learningRate +0\.0003$/));
    const defaults = text.indexOf("Not written: verl's own defaults");
    expect(defaults).toBeGreaterThan(5);
    expect(text.slice(defaults)).toContainEqual(expect.stringMatching(/^ {2}data\.train_batch_size +trainer\.batchSize +1024$/));
    expect(text.slice(text.indexOf("Notes"))).toEqual(["Notes", "  - trainer.nnodes: no counterpart, everything runs on one machine, in one process"]);
  });
  test("the resolved YAML is verlet's own and gives the same configuration", async () => {
    await lines();
    const again = await resolveConfig(loaded.yaml());
    expect(again.config).toEqual(loaded.config);
    expect(again.translation).toBeUndefined();
  });
});
