/** Every example of the RL guide and of the training tool's document, run as it is on the tiny model of settings.ts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { documents, exampleOutput, runExample } from "../../helpers/run-example.js";

type Reply = Record<string, unknown>;
type Check = (example: { printed: string; all: string; replies: Reply[] }) => void;

const at = (...path: string[]): string => join(exampleOutput, ...path);
const weights = (...path: string[]): Buffer => readFileSync(at(...path, "model.safetensors"));
const has = (...path: string[]): boolean => existsSync(at(...path));

/** The run was one of SFT over eight rows, and what it left is no longer the model that it began with. */
function expectSft(reply: Reply | undefined, folder: string, more: Reply = {}): void {
  expect(reply).toMatchObject({ status: "success", algorithm: "sft", model_name: at("tiny-model"), output_dir: at(folder), num_samples: 8, num_epochs: 1, interrupted: false, ...more });
  expect(reply!.final_loss).toBeGreaterThan(0);
  if (!has(folder, "adapter_config.json")) expect(weights(folder).equals(weights("tiny-model"))).toBe(false);
}

/** The run sampled answers to eight questions, some of them were right, and it left a model or an adapter. */
function expectSampled(reply: Reply | undefined, folder: string, more: Reply = {}): void {
  expect(reply).toMatchObject({ status: "success", algorithm: "grpo", output_dir: at(folder), num_samples: 8, steps: 4, total_steps: 4, ...more });
  expect(reply!.average_reward).toBeGreaterThan(0);
  expect(reply!.average_reward).toBeLessThan(1);
  expect(reply!.metrics).toMatchObject({ "completions/max_length": expect.any(Number) as number });
  expect(has(folder, "model.safetensors") || has(folder, "adapter_model.safetensors")).toBe(true);
}

function expectEvaluation(reply: Reply | undefined, path: string, samples = 8): void {
  expect(reply).toMatchObject({ status: "success", model_path: at(path), num_samples: samples, accuracy: expect.stringMatching(/^\d+\.\d\d%$/) as string });
  expect(Number.parseFloat(reply!.accuracy as string) / 100).toBeCloseTo(Number(reply!.average_reward), 4);
  expect(Number(reply!.average_reward)).toBeGreaterThan(0); // the tiny model knows some of the sums
}

const sftKeys = ["prompt", "completion", "text"];
const rlKeys = ["prompt", "ground_truth", "question", "full_answer"];
const seen = /^<\|im_start\|>user\nQuestion: What is 0\+0\?\n\nLet's solve this step by step:\n<\|im_end\|>\n<\|im_start\|>assistant\n$/;
const guide = /verlet needs neither TRL nor Python\.\nTraining runs on backend \w+/;

const bothFormats: Check = ({ replies: [sft, rl] }) => {
  expect(sft).toMatchObject({ status: "success", format: "sft", split: "train", dataset_size: 8, sample_keys: sftKeys });
  expect(rl).toMatchObject({ status: "success", format: "rl", split: "train", dataset_size: 8, sample_keys: rlKeys, sample_prompt: expect.stringMatching(seen) as string });
};

const checks: Record<string, Check> = {
  "rl-guide/1-installation.ts": ({ printed }) => {
    expect(printed).toMatch(/^✅ 可以开始训练\n/);
    expect(printed).toMatch(guide);
  },
  "rl-guide/2-1-tool.ts": ({ replies, all }) => {
    expectSft(replies[0], "rl-guide/2-1-tool/sft", { use_lora: false, steps: 2 });
    expect(all).toMatch(/^step 2\/2 {2}loss 0\.\d+/m); // the progress of the run
  },
  "rl-guide/2-2-datasets.ts": bothFormats,
  "rl-guide/2-3-agent.ts": ({ printed }) => {
    expect(printed).toBe(`训练完成: 2步, 最终损失${/损失(0\.\d{3})/.exec(printed)?.[1]}, 模型在${at("rl-guide/2-3-agent/sft")}\n`);
    expect(weights("rl-guide/2-3-agent/sft").equals(weights("tiny-model"))).toBe(false);
  },
  "rl-guide/3-1-sft.ts": ({ replies }) => {
    expectSft(replies[0], "rl-guide/3-1-sft/sft", { use_lora: true, steps: 2 });
    expect(has("rl-guide/3-1-sft/sft/adapter_model.safetensors")).toBe(true);
  },
  "rl-guide/3-2-grpo.ts": ({ replies }) => expectSampled(replies[0], "rl-guide/3-2-grpo/grpo", { use_lora: true }),
  "rl-guide/3-3-ppo.ts": ({ replies: [reply] }) => {
    expect(reply).toMatchObject({ status: "success", algorithm: "ppo", num_samples: 8, steps: 2, metrics: { "critic/vf_loss": expect.any(Number) as number } });
    expect(reply!.average_reward).toBeGreaterThan(0);
    expect(has("rl-guide/3-3-ppo/ppo/critic/model.safetensors")).toBe(true);
  },
  "rl-guide/4-1-sft-then-grpo.ts": ({ printed, replies: [sft, grpo] }) => {
    expectSft(sft, "rl-guide/4-1-sft-then-grpo/sft");
    expectSampled(grpo, "rl-guide/4-1-sft-then-grpo/grpo", { model_name: sft!.output_dir });
    expect(weights("rl-guide/4-1-sft-then-grpo/grpo").equals(weights("rl-guide/4-1-sft-then-grpo/sft"))).toBe(false);
    expect(printed).toMatch(/^步骤1：SFT训练\.\.\.\n.*\n步骤2：GRPO训练\.\.\.\n.*\n训练完成！最终模型: .*4-1-sft-then-grpo\/grpo\n$/);
  },
  "rl-guide/4-2-quick-test.ts": ({ replies }) => expectSft(replies[0], "rl-guide/4-2-quick-test/test_sft", { num_samples: 10, steps: 3 }),
  "rl-guide/4-3-lora.ts": ({ printed, replies }) => {
    expectSft(replies[0], "rl-guide/4-3-lora/sft_lora", { use_lora: true, steps: 4 });
    expect(printed).toMatch(/^adapter_config\.json, adapter_model\.safetensors$/m);
  },
  "rl-guide/5-1-trainers.ts": ({ printed }) => {
    expect(printed).toMatch(/algorithm: 'sft'[^]*useLora: true,\n {2}steps: 1[^]*learning_rate: 0\.00005[^]*algorithm: 'grpo'[^]*averageReward: 0\.\d+[^]*learning_rate: 0\.00005/);
    expect(printed.split("\n")).toEqual(expect.arrayContaining([at("rl-guide/5-1-trainers/custom"), at("rl-guide/5-1-trainers/custom-grpo")]));
    expect(has("rl-guide/5-1-trainers/custom-grpo/adapter_model.safetensors")).toBe(true);
  },
  "rl-guide/5-2-custom-reward.ts": ({ printed }) => {
    expect(printed).toMatch(/meanReward: 0\.5,\n {2}maxReward: 1,\n {2}minReward: 0,\n {2}accuracy: 0\.5/);
    expect(printed).toMatch(/'rewards\/script\/CustomReward\/mean'[^]*\] 0\.\d+\n$/);
  },
  "rl-guide/6-5-evaluate.ts": ({ printed }) => {
    const [, percent] = /^准确率: (\d+\.\d\d)%\n/.exec(printed)!;
    const [, mean] = /meanReward: ([\d.]+),/.exec(printed)!;
    expect(Number(percent) / 100).toBeCloseTo(Number(mean), 4);
    expect(printed.match(/^[✓✗] What is \d\+\d\? "\d\+\d=\d+\\n\\nFinal Answer: \d+"$/gm)).toHaveLength(3);
  },
  "rl-guide/6-6-troubleshooting.ts": ({ printed, replies: [small, missing, own] }) => {
    expectSft(small, "rl-guide/6-6-troubleshooting/sft", { use_lora: true, steps: 2 });
    expect(printed).toMatch(guide);
    expect(missing).toMatchObject({ status: "error", message: expect.stringContaining("操作失败: [./no-such-file.jsonl] no such file") as string });
    expect(own).toMatchObject({ status: "success", dataset_size: 1, sample_keys: sftKeys, dataset: "custom_dataset" });
  },

  "rl-training-tool/0-basic-use.ts": ({ replies }) => expect(replies).toMatchObject([{ status: "success", format: "sft", split: "train", dataset_size: 25, sample_keys: sftKeys }]),
  "rl-training-tool/1-1-sft.ts": ({ replies: [reply] }) => {
    expectSft(reply, "rl-training-tool/1-1-sft/sft", { use_lora: true, steps: 2 });
    expect(Object.keys(reply!).slice(0, 7)).toEqual(["status", "algorithm", "model_name", "output_dir", "num_samples", "num_epochs", "use_lora"]); // the document's 返回值
  },
  "rl-training-tool/1-2-grpo.ts": ({ replies }) => expectSampled(replies[0], "rl-training-tool/1-2-grpo/grpo", { use_lora: true }),
  "rl-training-tool/1-3-sft-then-grpo.ts": ({ replies: [sft, grpo] }) => {
    expectSft(sft, "rl-training-tool/1-3-sft-then-grpo/sft");
    expectSampled(grpo, "rl-training-tool/1-3-sft-then-grpo/grpo", { model_name: sft!.output_dir });
  },
  "rl-training-tool/2-load-dataset.ts": bothFormats,
  "rl-training-tool/3-create-reward.ts": ({ replies: [accuracy, length, step, trained] }) => {
    expect(accuracy).toMatchObject({ status: "success", reward_type: "accuracy", description: "准确率奖励函数: 正确答案得1分,错误答案得0分" });
    expect(length).toMatchObject({ status: "success", reward_type: "length_penalty", penalty_weight: 0.001 });
    expect(step).toMatchObject({ status: "success", reward_type: "step", step_bonus: 0.1, reward: { name: "agents/step" } });
    expectSampled(trained, "rl-training-tool/3-create-reward/grpo", { metrics: expect.objectContaining({ "rewards/agents/step/mean": expect.any(Number) as number }) as Reply });
  },
  "rl-training-tool/4-evaluate.ts": ({ replies }) => {
    const models = ["rl-training-tool/1-3-sft-then-grpo/sft", "rl-training-tool/1-3-sft-then-grpo/grpo", "tiny-model"];
    models.forEach((model, i) => expectEvaluation(replies[i], model));
  },
  "rl-training-tool/5-1-end-to-end.ts": ({ printed, replies: [rows, sft, grpo] }) => {
    expect(rows).toMatchObject({ dataset_size: 8 });
    expectSft(sft, "rl-training-tool/5-1-end-to-end/sft", { use_lora: true });
    expectSampled(grpo, "rl-training-tool/5-1-end-to-end/grpo", { use_lora: true, model_name: sft!.output_dir });
    expect(printed.split("\n").filter((line) => !line.startsWith("{"))).toEqual(["1. 加载数据集...", "", "2. SFT训练...", "", "3. GRPO训练...", "", "4. 评估模型...", expect.stringMatching(/^准确率: \d+\.\d\d%$/), ""]);
  },
  "rl-training-tool/5-2-quick-test.ts": ({ replies }) => expectEvaluation(replies[0], "rl-training-tool/5-2-quick-test/quick_grpo", 10),
  "rl-training-tool/6-1-presets.ts": ({ printed }) => {
    expect(printed).toMatch(/^quick: 8 rows, 4 steps, [\d.]+ s\nsmall: 8 rows, 2 steps, [\d.]+ s\nmedium: 8 rows, 2 steps, [\d.]+ s\nfull: 8 rows, 1 steps, [\d.]+ s\n$/);
  },
  "rl-training-tool/6-2-presets-yaml.ts": ({ printed }) => {
    expect(printed).toMatch(/^quick\.yaml: 5 steps, loss \d\.\d{3}, [\d.]+ s\n$/);
    expect(has("rl-training-tool/6-2-presets-yaml/quick_sft/adapter_model.safetensors")).toBe(true);
  },
  "rl-training-tool/7-errors.ts": ({ printed }) => {
    expect(printed).toMatch(/^错误: 缺少必需参数: action\n错误: 不支持的算法: q-learning。支持的算法: sft, grpo, .*\bppo\b.*\n错误: 模型加载失败: \[\.\/no-such-model\] no such model folder: .*\n$/);
    expect(has("rl-training-tool/7-errors")).toBe(false); // nothing was begun
  },
  "rl-training-tool/8-performance.ts": ({ printed }) => {
    expect(printed).toMatch(/^little: 4 steps in [\d.]+ s on (\w+)\nfast: 1 steps in [\d.]+ s on \1\n\{\n {2}device: '(cpu|cuda|webgpu)'/);
    expect([has("rl-training-tool/8-performance/memory/adapter_model.safetensors"), has("rl-training-tool/8-performance/speed/model.safetensors")]).toEqual([true, true]);
  },
  "rl-training-tool/9-1-progress.ts": ({ printed, all }) => {
    expect(printed.match(/^Epoch 1\/1 \| Step [1-4]\/4 \| Reward: \d\.\d\d \| KL: \d\.\d{3} \| Loss: -?\d\.\d{3}$/gm)).toHaveLength(4);
    expect(all).toBe(printed); // the run itself is silent
  },
  "rl-training-tool/9-2-interrupt.ts": ({ replies: [stopped, evaluation, finished] }) => {
    expect(stopped).toMatchObject({ status: "success", interrupted: true, steps: 1, total_steps: 2 });
    expectEvaluation(evaluation, "rl-training-tool/9-2-interrupt/sft");
    expectSft(finished, "rl-training-tool/9-2-interrupt/sft", { steps: 2 });
    expect(weights("rl-training-tool/9-2-interrupt/sft").equals(weights("rl-training-tool/1-3-sft-then-grpo/sft"))).toBe(true); // as without a stop
  },
  "rl-training-tool/9-3-use-the-model.ts": ({ printed }) => expect(printed).toMatch(/^\d\+\d=\d+\n\nFinal Answer: \d+\n$/),
};

const files = ["rl-guide", "rl-training-tool"].flatMap((folder) => readdirSync(join(documents, folder)).map((name) => `${folder}/${name}`));

test("every example is checked, and writes to a folder of its own", () => {
  expect(Object.keys(checks).sort()).toEqual([...files].sort());
  for (const path of files) {
    const [, written] = /outputOf\("(.*)"\)/.exec(readFileSync(join(documents, path), "utf8")) ?? [];
    if (written !== undefined) expect(`${written}.ts`).toBe(path);
  }
});

describe("prints what it says, of a run that took place", () => {
  test.each(files)("%s", async (path) => {
    const ran = await runExample(path);
    const replies = ran.printed.split("\n").flatMap((line) => (/^\{".*\}$/.test(line) ? [JSON.parse(line) as Reply] : []));
    checks[path]!({ ...ran, replies });
  });
});
