import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { trainWithGrpo, trainWithSft, RLTrainingTool, trainingPresets, type TrainProgress } from "@verlet/agents";
import { huggingFaceFolder, type ModelSource } from "@verlet/manager";
import { CausalLM, readSafetensors } from "@verlet/model";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { tempFolder } from "../../fakes/temp-folder.js";
import { output } from "../cli/run-cli.js";
import { grpo, model, questions, reply, sft, tinyTool, writeQuestions } from "./tiny.js";

type Tree = Record<string, Record<string, unknown>>;
const resolved = (folder: string): Tree => parse(readFileSync(join(folder, "config.resolved.yaml"), "utf8")) as Tree;

/** Compared to true or false: the bytes of two files that differ take minutes to be shown. */
async function sameWeights(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((folder) => readSafetensors(join(folder, "model.safetensors"))));
  return one!.size === other!.size && [...one!].every(([name, { data }]) => Buffer.from(data).equals(Buffer.from(other!.get(name)!.data)));
}

describe("train", () => {
  test("sft, then grpo on what it left: the documents' fields, and what happened", async () => {
    const folder = tempFolder();
    const [first, second] = [join(folder, "sft"), join(folder, "grpo")];
    const tool = tinyTool();
    const one = await reply(tool, sft(first, { num_epochs: 2 }));
    expect(one).toMatchObject({ status: "success", algorithm: "sft", model_name: model, output_dir: first, num_samples: 4, num_epochs: 2, use_lora: false, model_path: first, steps: 4, total_steps: 4, backend: "wasm", interrupted: false });
    expect(Object.keys(one).slice(0, 7)).toEqual(["status", "algorithm", "model_name", "output_dir", "num_samples", "num_epochs", "use_lora"]);
    expect(one.final_loss).toBeGreaterThan(0);
    expect(one).not.toHaveProperty("average_reward");
    const two = await reply(tool, grpo(second, { model_name: first }));
    expect(two).toMatchObject({ status: "success", algorithm: "grpo", model_name: first, output_dir: second, num_samples: 4, steps: 1, total_steps: 1 });
    expect(two.average_reward).toBeGreaterThanOrEqual(0);
    expect(existsSync(join(second, "model.safetensors"))).toBe(true);
  });

  test("has the documents' defaults where nothing is said", async () => {
    const folder = tempFolder();
    const tool = tinyTool();
    await reply(tool, { action: "train", algorithm: "sft", model_name: model, output_dir: join(folder, "s"), max_steps: 1, backend: "wasm" });
    await reply(tool, { action: "train", algorithm: "grpo", model_name: model, output_dir: join(folder, "g"), max_steps: 1, backend: "wasm", max_new_tokens: 2, num_generations: 2 });
    const [s, g] = [resolved(join(folder, "s")), resolved(join(folder, "g"))];
    expect([s.trainer!.epochs, s.trainer!.batchSize, s.optimizer!.learningRate, s.model!.lora]).toEqual([3, 4, 2e-5, undefined]);
    expect([g.trainer!.epochs, g.trainer!.batchSize, g.optimizer!.learningRate]).toEqual([3, 2, 1e-5]);
    expect(g.rewards).toMatchObject([{ name: "agents/accuracy" }]);
    expect([s.data!.chatTemplate, g.data!.chatTemplate]).toEqual(["always", "always"]);
    const shown = (run: string, key: string): string => JSON.parse(readFileSync(join(folder, run, "data", readdirSync(join(folder, run, "data"))[0]!), "utf8").split("\n")[0]!)[key] as string;
    expect(shown("s", "prompt")).toBe(shown("g", "prompt")); // one form of the question for both
  });

  test("every option of the chapter sets its key", async () => {
    const out = join(tempFolder(), "out");
    const options = {
      learning_rate: 1e-4, use_lora: true, lora_rank: 4, lora_alpha: 8, lora_dropout: 0.1, lora_target_modules: ["q_proj", "v_proj"], warmup_ratio: 0.1, weight_decay: 0.01, optimizer: "adamw",
      temperature: 0.8, kl_coef: 0.05, clip_range: 0.3, gradient_accumulation_steps: 2, save_steps: 5, logging_steps: 1, lr_scheduler_type: "cosine", seed: 7, use_wandb: false, wandb_project: null, max_samples: null, split: "train[:3]",
      overrides: ["loss.aggregation=token-sum"],
    };
    expect(await reply(tinyTool(), grpo(out, options))).toMatchObject({ status: "success", use_lora: true, num_samples: 3 });
    const config = resolved(out);
    expect(config.model!.lora).toMatchObject({ r: 4, alpha: 8, dropout: 0.1, targetModules: ["q_proj", "v_proj"] });
    expect(config.optimizer).toMatchObject({ learningRate: 1e-4, weightDecay: 0.01, schedule: { name: "cosine", warmupRatio: 0.1 } });
    expect(config.rollout).toMatchObject({ numGenerations: 2, maxNewTokens: 4, temperature: 0.8 });
    expect(config.loss).toMatchObject({ klCoef: 0.05, clipLow: 0.3, clipHigh: 0.3, aggregation: "token-sum" });
    expect(config.trainer).toMatchObject({ batchSize: 4, microBatchSize: 4, saveEvery: 5, seed: 7 });
  });

  test("goes on with an adapter, whose base comes with it", async () => {
    const folder = tempFolder();
    const [first, second] = [join(folder, "a"), join(folder, "b")];
    const tool = tinyTool();
    await reply(tool, sft(first, { use_lora: true, lora_r: 4, max_steps: 1 }));
    expect(await reply(tool, grpo(second, { model_name: first, use_lora: true }))).toMatchObject({ status: "success", use_lora: true });
    expect(resolved(second).model).toMatchObject({ path: model, adapter: first });
    expect(await reply(tool, grpo(join(folder, "c"), { model_name: first, use_lora: true, lora_r: 8 }))).toMatchObject({ status: "error", message: expect.stringContaining("the adapter there was made with another r: got 8, expected 4") as string });
    expect(await reply(tool, grpo(join(folder, "c"), { model_name: first, use_lora: false }))).toMatchObject({ message: expect.stringContaining("verlet merge") as string });
    expect(await reply(tool, { action: "evaluate", model_path: first, use_lora: true, max_new_tokens: 2, backend: "wasm" })).toMatchObject({ status: "success", num_samples: 3 });
  });

  test("any registered algorithm, and presets", async () => {
    const folder = tempFolder();
    const tool = tinyTool();
    expect(await reply(tool, grpo(join(folder, "ppo"), { algorithm: "ppo", num_generations: 1 }))).toMatchObject({ status: "success", algorithm: "ppo" });
    expect(await reply(tool, grpo(join(folder, "drgrpo"), { algorithm: "drgrpo" }))).toMatchObject({ status: "success", algorithm: "drgrpo" });
    expect(resolved(join(folder, "drgrpo")).advantage).toMatchObject({ name: "drgrpo" });
  });

  test("a signal ends it after its step, and the model is there", async () => {
    const out = join(tempFolder(), "out");
    const controller = new AbortController();
    const seen: TrainProgress[] = [];
    const params = sft(out, { num_epochs: 5, use_lora: true });
    const stopped = await reply(tinyTool(), params, { signal: controller.signal, onProgress: (progress) => void (seen.push(progress), controller.abort()) });
    expect(stopped).toMatchObject({ status: "success", interrupted: true, steps: 1, total_steps: 10 });
    expect(seen[0]!.line).toMatch(/^Epoch 1\/5 \| Step 1\/10 \| Loss: \d+\.\d{3}$/);
    const tensors = tf.memory().numTensors;
    const loaded = await CausalLM.load(model, { adapter: out });
    loaded.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await reply(tinyTool(), params)).toMatchObject({ status: "success", interrupted: false, steps: 10 }); // the same call goes on
  });

  test.each(["an aborted signal", "Ctrl+C while the model is loaded"])("%s before the first step leaves the model as it was, and the same call trains it", async (how) => {
    const out = join(tempFolder(), "out");
    const params = sft(out);
    const models: ModelSource = { ...huggingFaceFolder, loadPolicy: (section, seed) => (process.emit("SIGINT", "SIGINT"), huggingFaceFolder.loadPolicy(section, seed)) };
    const stopped = how === "an aborted signal" ? await reply(tinyTool(), params, { signal: AbortSignal.abort() }) : await reply(tinyTool({ models }), params);
    expect(stopped).toMatchObject({ status: "success", interrupted: true, steps: 0, total_steps: 2, model_path: out });
    expect(stopped).not.toHaveProperty("final_loss");
    expect(await sameWeights(out, model)).toBe(true);
    expect(await reply(tinyTool(), { action: "evaluate", model_path: out, max_new_tokens: 2, backend: "wasm" })).toMatchObject({ status: "success", num_samples: 3 });
    const finished = await reply(tinyTool(), params);
    expect(finished).toMatchObject({ status: "success", interrupted: false, steps: 2 });
    const whole = join(tempFolder(), "whole");
    await reply(tinyTool(), sft(whole));
    expect([await sameWeights(out, whole), await sameWeights(out, model)]).toEqual([true, false]);
  });

  test("rewards by type, by name, and by a data set's name", async () => {
    const folder = tempFolder();
    const tool = tinyTool();
    const config = { components: [{ type: "accuracy", weight: 1 }, { type: "length_penalty", weight: 0.5, target_length: 200 }, { type: "step", weight: 0.3, step_bonus: 0.1 }] };
    await reply(tool, grpo(join(folder, "a"), { reward_type: "combined", reward_config: config }));
    expect(resolved(join(folder, "a")).rewards).toMatchObject([
      { name: "agents/accuracy", weight: 1 },
      { name: "agents/length_penalty", weight: 0.5, options: { maxLength: 200, variant: "target" } },
      { name: "agents/step", weight: 0.3, options: { stepBonus: 0.1 } },
    ]);
    const created = await reply(tool, { action: "create_reward", reward_type: "step", step_bonus: 0.2, variant: "lines" });
    await reply(tool, grpo(join(folder, "b"), { reward: created.reward }));
    expect(resolved(join(folder, "b")).rewards).toMatchObject([{ name: "agents/step", options: { stepBonus: 0.2, variant: "lines" } }]);
    const seen: unknown[] = [];
    tool.registerDataset("mine", questions);
    tool.registerRewardFunction("mine", (completions, { ground_truth, question }) => {
      seen.push([ground_truth![0], question![0]]);
      return completions.map((text) => text.length);
    });
    const trained = await reply(tool, grpo(join(folder, "c"), { dataset: "mine", batch_size: 1 }));
    expect(trained.average_reward).toBeGreaterThan(0);
    expect([["4", "What is 2+2?"], ["8", "What is 5+3?"], ["17", "What is 10+7?"], ["1,200", "What is 600+600?"]]).toContainEqual(seen[0]);
    expect(resolved(join(folder, "c")).rewards).toMatchObject([{ name: "script/mine" }]);
    await reply(tool, grpo(join(folder, "d"), { custom_reward: (texts: string[]) => texts.map(() => 0.5), custom_dataset: questions }));
    expect(resolved(join(folder, "d")).rewards).toMatchObject([{ name: "script/custom_reward" }]);
  });

  test("a path is read where it lies; rows of another layout keep their columns", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    expect(await reply(tinyTool(), sft(out, { dataset: `${writeQuestions(folder)}[:2]` }))).toMatchObject({ num_samples: 2, steps: 1 });
    const rows = [{ messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Hello" }] }];
    expect(await reply(tinyTool(), sft(join(folder, "chat"), { custom_dataset: rows }))).toMatchObject({ status: "success", num_samples: 1 });
  });

  test("evaluates every eval_steps on the test split", async () => {
    const out = join(tempFolder(), "out");
    const result = await reply(tinyTool(), sft(out, { eval_steps: 1 }));
    expect(result.evaluation).toHaveProperty(["eval/loss"]);
  });

  test("a learning rate that is too high for RL is told, not for SFT", async () => {
    const folder = tempFolder();
    const tool = tinyTool({ language: "en" });
    expect((await reply(tool, grpo(join(folder, "a"), { learning_rate: 5e-5 }))).warnings).toEqual(["a learning rate of 0.00005 is high for RL: small models tend to collapse; from 1e-6 to 1e-5 is usual"]);
    expect(await reply(tool, sft(join(folder, "b"), { learning_rate: 5e-5, max_steps: 1 }))).not.toHaveProperty("warnings");
  });

  test("two calls at once take turns; names of algorithms may be in capitals; presets are parameters", async () => {
    const folder = tempFolder();
    const tool = tinyTool();
    const both = await Promise.all([reply(tool, sft(join(folder, "a"), { algorithm: "SFT" })), reply(tool, grpo(join(folder, "b"), { ...trainingPresets.quick, custom_reward: (texts: string[]) => texts.map(() => 1) }))]);
    expect(both).toMatchObject([{ status: "success", algorithm: "sft" }, { status: "success", use_lora: true, num_samples: 4 }]);
  });

  test("the run can be had again from its YAML", async () => {
    const out = join(tempFolder(), "out");
    await reply(tinyTool(), grpo(out));
    const again = join(out, "again");
    await output(["train", join(out, "config.resolved.yaml"), `trainer.outputDir=${again}`, "--json"]);
    expect(readFileSync(join(again, "model.safetensors"))).toEqual(readFileSync(join(out, "model.safetensors")));
  });

  test("trainWithSft and trainWithGrpo are the same", async () => {
    const folder = tempFolder();
    const tool = tinyTool();
    const { action: _, algorithm: __, ...params } = grpo(join(folder, "g"));
    const { action: ___, algorithm: ____, ...demonstrated } = sft(join(folder, "s"), { max_steps: 1 });
    expect(JSON.parse(await trainWithGrpo(params, { tool }))).toMatchObject({ status: "success", algorithm: "grpo" });
    expect(JSON.parse(await trainWithSft(demonstrated, { tool }))).toMatchObject({ status: "success", algorithm: "sft" });
  });
});

describe("load_dataset", () => {
  test.each([
    ["sft", ["prompt", "completion", "text"]],
    ["rl", ["prompt", "ground_truth", "question", "full_answer"]],
  ])("%s", async (format, keys) => {
    const loaded = await reply(tinyTool(), { action: "load_dataset", format, split: "train", max_samples: 3 });
    expect(loaded).toEqual({ status: "success", format, split: "train", dataset_size: 3, sample_keys: keys, dataset: "gsm8k" });
  });

  test("shows a prompt as a model sees it", async () => {
    const loaded = await reply(tinyTool(), { action: "load_dataset", format: "rl", model_name: model });
    expect(loaded.sample_prompt).toMatch(/^<\|im_start\|>user\nQuestion: What is 2\+2\?\n\nLet's solve this step by step:\n.*<\|im_end\|>\n<\|im_start\|>assistant\n/s);
  });
});

test("create_reward", async () => {
  const tool = tinyTool();
  expect(await reply(tool, { action: "create_reward", reward_type: "accuracy" })).toMatchObject({ status: "success", reward_type: "accuracy", description: "准确率奖励函数: 正确答案得1分,错误答案得0分" });
  expect(await reply(tool, { action: "create_reward", reward_type: "length_penalty", penalty_weight: 0.002, max_length: 512 })).toMatchObject({ penalty_weight: 0.002, max_length: 512, variant: "target" });
  expect(await reply(tool, { action: "create_reward", reward_type: "step" })).toMatchObject({ step_bonus: 0.1 });
});

describe("refusals", () => {
  /** Nothing may be written by a call that is refused. */
  const nowhere = join(tmpdir(), `verlet-refused-${process.pid}`);
  const zh = tinyTool();
  const en = tinyTool({ language: "en" });
  const train = grpo(join(nowhere, "out"));

  test.each<[string, object | string, string | RegExp]>([
    ["no action", {}, "缺少必需参数: action"],
    ["an unknown action", { action: "fly" }, "不支持的操作: fly。支持的操作: train, load_dataset, create_reward, evaluate"],
    ["an unknown algorithm", { ...train, algorithm: "qlearning" }, /^不支持的算法: qlearning。支持的算法: sft, grpo, dapo, .*ppo.*rloo/],
    ["no model", { action: "train", algorithm: "sft", output_dir: nowhere }, "缺少必需参数: model_name"],
    ["no algorithm", { action: "train", model_name: "x", output_dir: nowhere }, "缺少必需参数: algorithm"],
    ["an unknown format", { action: "load_dataset", format: "dpo" }, "不支持的数据格式: dpo。支持的格式: sft, rl"],
    ["an unknown reward", { action: "create_reward", reward_type: "vibes" }, "不支持的奖励类型: vibes。支持的类型: accuracy, length_penalty, step, combined"],
    ["an unknown reward in training", { ...train, reward_type: "vibes" }, /^不支持的奖励类型: vibes/],
    ["no model to evaluate", { action: "evaluate" }, "缺少必需参数: model_path"],
    ["an unknown metric", { action: "evaluate", model_path: "x", metrics: ["bleu"] }, /^不支持的指标: bleu。支持的指标: accuracy, accuracy_at_k/],
    ["a missing model", { ...train, model_name: "Qwen/Qwen3-0.6B" }, /^模型加载失败: \[Qwen\/Qwen3-0\.6B\] no such model folder: got .*\. Models are folders here\. Fetch it: hf download Qwen\/Qwen3-0\.6B --local-dir Qwen\/Qwen3-0\.6B\.?$/],
    ["a missing model to evaluate", { action: "evaluate", model_path: "./none" }, /^模型加载失败: \[\.\/none\] no such model folder: got .*\. Check the path; it starts where the program is run/],
    ["a missing file", { ...train, dataset: "./none.jsonl" }, /^操作失败: \[\.\/none\.jsonl\] no such file/],
    ["a split of a file", { ...train, dataset: join(import.meta.dirname, "../../fixtures/none.jsonl"), split: "train" }, /^操作失败: /],
    ["a split that is not there", { action: "load_dataset", split: "valid" }, /^操作失败: \[gsm8k\] there is no such split: got valid, expected train or test/],
    ["a misspelled option", { ...train, learning_rat: 1 }, /^参数错误: \[rl_training\] unknown option: got `learning_rat`, .* Did you mean `learning_rate`\?$/s],
    ["both spellings", { ...train, learningRate: 1e-5, learning_rate: 1e-5 }, "参数错误: [rl_training] one option given twice: got `learningRate` and `learning_rate`, expected one of them."],
    ["two names of one", { ...train, use_lora: true, lora_r: 8, lora_rank: 8 }, /one option given twice: got `lora_r` and `lora_rank`/],
    ["a wrong type", { ...train, num_epochs: "three" }, '参数错误: [rl_training] num_epochs: got "three", expected a number.'],
    ["LoRA options without LoRA", { ...train, lora_r: 8 }, /loraR: got 8 without LoRA, expected use_lora: true beside it/],
    ["fp16", { ...train, fp16: true }, /fp16: got true, expected false: there is float32, and bfloat16 on native/],
    ["another optimizer", { ...train, optimizer: "sgd" }, /optimizer: got "sgd", expected adamw/],
    ["RL options of SFT", { ...train, algorithm: "sft" }, /^参数错误: \[rl_training\] .*rollout/s],
    ["rewards of SFT", { ...sft(join(nowhere, "out")), reward_type: "accuracy" }, /algorithm sft uses no rewards: got agents\/accuracy/],
    ["rewards twice", { ...train, reward_type: "accuracy", reward: "accuracy" }, /rewards are named twice: got reward and reward_type/],
    ["a combined reward of nothing", { ...train, reward_type: "combined" }, /reward_config\.components: got nothing/],
    ["an option of a reward twice", { ...train, reward_type: "step", step_bonus: 1, reward_config: { step_bonus: 2 } }, /an option of the reward is given twice: got stepBonus/],
    ["a maximum for a formula without one", { action: "create_reward", reward_type: "length_penalty", variant: "linear", max_length: 9 }, /reward length_penalty\] maxLength: got 9, expected none beside variant linear/],
    ["two names of a maximum", { action: "create_reward", reward_type: "length_penalty", target_length: 9, max_length: 9 }, /one option given twice/],
    ["an option of another reward", { action: "create_reward", reward_type: "accuracy", step_bonus: 1 }, "参数错误: [reward accuracy] unknown option: got stepBonus, expected one of tolerance."],
    ["an unknown variant", { ...train, reward_type: "step", variant: "leaps" }, /reward step\] variant/],
    ["eval_steps without a test split", { ...train, custom_dataset: questions, eval_steps: 5 }, /there is nothing to evaluate on: got eval_steps/],
    ["a prompt without the question", { ...train, prompt_template: "Go" }, /promptTemplate\] there is no place for the question/],
    ["a prompt for rows that have one", { ...train, prompt_template: "{question}", custom_dataset: [{ prompt: "a", answer: "1" }] }, /\[custom_dataset\] promptTemplate: got it for columns prompt, answer, whose prompts are made already/],
    ["SFT's length for RL", { ...train, max_length: 9 }, /maxLength: got 9 for grpo, which does not read it, expected max_prompt_length and max_new_tokens/],
    ["RL's length for SFT", { ...sft(join(nowhere, "out")), max_prompt_length: 9 }, /maxPromptLength: got 9 for sft/],
    ["something that is no data set", { ...train, custom_dataset: 7 }, /^操作失败: \[custom_dataset\] this is no data set: got 7/],
    ["broken JSON", "{action", /^参数错误: \[rl_training\] the parameters are no JSON/],
    ["a list", "[]", /^参数错误: \[rl_training\] the parameters are no object/],
  ])("%s", async (_, params, message) => {
    const answer = await reply(zh, params);
    expect(answer.status).toBe("error");
    if (typeof message === "string") expect(answer.message).toBe(message);
    else expect(answer.message).toMatch(message);
    expect(existsSync(nowhere)).toBe(false);
  });

  test("in English", async () => {
    expect((await reply(en, { ...train, algorithm: "q" })).message).toMatch(/^unknown algorithm: q\. Algorithms: sft, grpo, /);
    expect((await reply(en, {})).message).toBe("missing parameter: action");
    expect(() => new RLTrainingTool({ language: "fr" as never })).toThrow("[RLTrainingTool] language: got fr, expected zh or en.");
  });

  test("the guide's call without an action trains", async () => {
    expect((await reply(zh, { algorithm: "sft", model_name: model })).message).toBe("缺少必需参数: output_dir");
  });
});
