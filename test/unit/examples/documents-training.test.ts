/** The examples of trainers.md, trl-methods.md and verl-training-manager.md, each run on the tiny model, in one process. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { documents, exampleOutput, runExample } from "../../helpers/run-example.js";

interface Output {
  /** What the example itself printed. */
  printed: string;
  lines: string[];
  /** With what its runs printed. */
  all: string;
  /** A path below the folder of the examples' output. */
  has(...path: string[]): boolean;
}
type Checks = Readonly<Record<string, (output: Output) => void>>;

const numbers = (text: string, pattern: RegExp): number[] => [...text.matchAll(pattern)].map(([, found]) => Number(found));
const isShare = (value: number | undefined): void => {
  expect(value).toBeGreaterThanOrEqual(0);
  expect(value).toBeLessThanOrEqual(1);
};
/** A merged or adapter folder as transformers and PEFT load them. */
const wholeModel = ["config.json", "model.safetensors", "tokenizer.json"];
const adapter = ["adapter_config.json", "adapter_model.safetensors"];

const trainers: Checks = {
  "sft-trainer-wrapper.ts": ({ lines, has }) => {
    expect(lines).toEqual([`trained; the model is in ${exampleOutput}/trainers/sft-trainer-wrapper/sft`, `and in ${exampleOutput}/trainers/sft-trainer-wrapper/my_model`]);
    for (const file of adapter) for (const folder of ["sft", "my_model"]) expect(has("trainers/sft-trainer-wrapper", folder, file)).toBe(true);
  },
  "basic-sft.ts": ({ printed, has }) => {
    const [loss] = numbers(printed, /^8 samples, 2 steps, loss ([\d.]+)\n$/g);
    expect(loss).toBeGreaterThan(0.05);
    expect(loss).toBeLessThan(0.3); // it has learnt such rows before
    for (const file of wholeModel) expect(has("trainers/basic-sft", file)).toBe(true);
  },
  "lora-sft.ts": ({ printed, has }) => {
    expect(printed).toBe("LoRA true: adapter_config.json, adapter_model.safetensors\n");
    expect(has("trainers/lora-sft/model.safetensors")).toBe(false);
  },
  "grpo-trainer-wrapper.ts": ({ lines, has, all }) => {
    expect(lines[0]).toBe(`trained; the model is in ${exampleOutput}/trainers/grpo-trainer-wrapper/grpo`);
    isShare(numbers(lines[1]!, /^mean reward ([\d.]+)$/g)[0]);
    expect(all).toMatch(/^ {2}reward +script\/rewardFn /m);
    expect(has("trainers/grpo-trainer-wrapper/my_model/adapter_model.safetensors")).toBe(true);
  },
  "basic-grpo.ts": ({ printed }) => {
    const [reward] = numbers(printed, /^8 questions, 4 steps, mean reward ([\d.]+)\n$/g);
    expect(reward).toBeGreaterThan(0);
    expect(reward).toBeLessThan(1);
  },
  "grpo-from-sft.ts": ({ lines, has }) => {
    const folder = `${exampleOutput}/trainers/grpo-from-sft`;
    expect(lines[0]).toMatch(new RegExp(`^SFT: {2}loss 0\\.\\d{4} → ${folder}/sft$`));
    expect(lines[1]).toMatch(new RegExp(`^GRPO: from ${folder}/sft, mean reward 0\\.\\d{4} → ${folder}/grpo$`));
    expect(has("trainers/grpo-from-sft/grpo/model.safetensors")).toBe(true);
  },
  "general-configuration.ts": ({ lines }) => expect(lines).toEqual(["sft: 1 steps over 8 samples, learning rate 0.00002", "grpo: 4 steps over 8 samples, learning rate 0.00001"]),
  "lora-configuration.ts": ({ lines }) => {
    // r·(in + out) for each layer: q and o 64×64, k and v 64×32, gate, up and down 64×192, at r 8.
    const [q, k, mlp] = [8 * 128, 8 * 96, 8 * 256];
    expect(lines.map((line) => Number(/(\d+) numbers trained/.exec(line)![1]))).toEqual([q + k, 2 * q + 2 * k, 2 * q + 2 * k + 3 * mlp]);
  },
  "sft-flow.ts": ({ lines }) => {
    const [before, after] = lines.slice(0, 2).map((line) => Number(/^(?:before|after): ([\d.]+)% /.exec(line)![1]));
    expect(after).toBeGreaterThan(before!);
    expect(lines[2]).toMatch(/^6 steps, loss 0\.\d{4}, model in .*\/model$/);
  },
  "grpo-flow.ts": ({ lines }) => {
    expect(lines.slice(0, 4).map((line) => /^Epoch 1\/1 \| Step (\d)\/4 \| Reward: \d\.\d\d \| Loss: -?\d\.\d{3}$/.exec(line)?.[1])).toEqual(["1", "2", "3", "4"]);
    const samples = lines.slice(4, 12).map((line) => /: reward ([01]), advantage (-?[\d.]+)$/.exec(line)!.slice(1).map(Number));
    expect(samples).toHaveLength(8);
    // Two groups of four: what was right stands above the others, and each group's advantages sum to 0.
    for (const group of [samples.slice(0, 4), samples.slice(4)]) expect(group.reduce((sum, [, advantage]) => sum + advantage!, 0)).toBeCloseTo(0, 1);
    for (const [reward, advantage] of samples) expect(advantage! > 0 ? reward : 0).toBe(advantage! > 0 ? 1 : 0);
    expect(lines[12]).toMatch(/^saved in .*\/model$/);
  },
  "with-rl-training-tool.ts": ({ lines, has }) => {
    const [sft, grpo] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(sft).toMatchObject({ status: "success", algorithm: "sft", num_samples: 8, use_lora: true, steps: 2 });
    expect(grpo).toMatchObject({ status: "success", algorithm: "grpo", model_name: sft!.output_dir, use_lora: true, steps: 4 });
    isShare(grpo!.average_reward as number);
    expect(has("trainers/with-rl-training-tool/grpo/adapter_model.safetensors")).toBe(true);
  },
  "with-trainers.ts": ({ lines }) => {
    expect(lines[0]).toMatch(/^sft: 2 steps, loss 0\.\d{4} → /);
    expect(lines[1]).toMatch(/^grpo: 4 steps, loss -?0\.\d{4}, mean reward 0\.\d{4} → /);
  },
  "memory.ts": ({ lines }) => {
    const said = Object.fromEntries(lines.map((line) => [/^[\w-]+/.exec(line)![0], { trained: Number(/for (\d+) trained/.exec(line)![1]), loss: Number(/loss of the step ([\d.]+)$/.exec(line)![1]) }]));
    expect(said.lora!.trained).toBeLessThan(said["all-weights"]!.trained / 10);
    expect(said.accumulation).toEqual(said["all-weights"]); // the same eight rows in one step
    expect(said["small-batch"]!.loss).not.toBe(said["all-weights"]!.loss);
  },
  "speed.ts": ({ lines }) => {
    expect(lines[0]).toContain("fp16: got true, expected false: there is float32, and bfloat16 on native.");
    expect(lines.slice(1).map((line) => /^batch of \d: \d steps, [\d.]+ s a row/.exec(line)?.[0].split(", ")[0])).toEqual(["batch of 2: 8 steps", "batch of 8: 2 steps"]);
  },
  "sft-and-grpo.ts": ({ printed }) => {
    expect(printed).toContain('completion: "0+0=0\\n\\nFinal Answer: 0"');
    expect(printed).toContain('ground_truth: "0"');
    expect(printed).toMatch(/meanReward: 0\.5,/);
  },
  "how-long.ts": ({ lines }) => {
    expect(lines[0]).toMatch(/^8 samples, 3 epochs: [\d.]+ s on \w+$/);
    expect(lines.slice(1).map((line) => /^(\d+) samples: about [\dhms ]+$/.exec(line)![1])).toEqual(["100", "1000", "7473"]);
  },
  "learning-rate.ts": ({ lines }) => {
    const losses = lines.map((line) => line.split("loss ")[1]!.split(" → ").map(Number));
    const [slow, good, wild] = losses as [number[], number[], number[]];
    expect(slow[0]).toBe(wild[0]); // before the first update
    expect(slow[4]).toBeLessThan(slow[0]!);
    expect(good[4]).toBeLessThan(slow[4]!);
    expect(wild[4]).toBeGreaterThan(wild[0]!);
  },
};

const methods: Checks = {
  "sft.ts": ({ printed }) => {
    const [loss] = numbers(printed, /^1 steps, loss ([\d.]+), 1344 tokens/g);
    expect(loss).toBeLessThan(0.3);
  },
  "sft-formats.ts": ({ lines }) => {
    const trained = lines.map((line) => /^([\w ]+): (\d+) tokens, (\d+) of them trained, (.*); loss [\d.]+$/.exec(line)!.slice(1));
    expect(trained).toEqual([
      ["messages", "26", "25", "through the chat template"],
      ["text", "18", "17", "no chat template"],
      ["prompt and completion", "26", "7", "through the chat template"],
    ]);
  },
  "sft-with-evaluation.ts": ({ lines }) => {
    const losses = lines.slice(0, 4).map((line, i) => Number(new RegExp(`^step ${2 * (i + 1)}: eval loss ([\\d.]+)$`).exec(line)![1]));
    expect(new Set(losses).size).toBeGreaterThan(1);
    expect(lines[4]).toBe(`8 steps; at the end ${losses[3]!.toFixed(4)}`);
  },
  "grpo.ts": ({ printed, has }) => {
    isShare(numbers(printed, /^1 steps, reward ([\d.]+), model in /g)[0]);
    expect(has("trl-methods/grpo/model.safetensors")).toBe(true);
  },
  "choose-method.ts": ({ lines }) => {
    expect(lines[0]).toMatch(/^demonstrations: SFT\b/);
    expect(lines[1]).toMatch(/^preference pairs: .*DPO.*reward model/);
    expect(lines[2]).toBe("prompts with answers to check: RL (GRPO, DAPO, PPO)");
    expect(lines[3]).toMatch(/^answers marked good or bad: .*KTO/);
  },
  "dataset-formats.ts": ({ printed }) => {
    expect(printed).toContain("sums-train.jsonl: 25 rows, GSM8K");
    expect(printed).toMatch(/^ {2}yes +SFT/m);
    expect(printed).toMatch(/^ {2}no +DPO +needs chosen \+ rejected/m);
    expect(printed).toContain("⟦0+0=0");
  },
  "pipeline.ts": ({ lines, has }) => {
    expect(lines[0]).toMatch(/^sft: 2 steps → /);
    expect(lines[1]).toMatch(/^grpo: 4 steps → /);
    const [accuracy] = numbers(lines[2]!, /^merged: accuracy ([\d.]+)% on 8 questions$/g);
    expect(accuracy).toBeGreaterThan(0);
    for (const file of wholeModel) expect(has("trl-methods/pipeline/merged", file)).toBe(true);
  },
};

const verl: Checks = {
  "basic-usage.ts": ({ printed, has }) => {
    isShare(numbers(printed, /^4 steps on \w+, reward ([\d.]+) in the last one\n$/g)[0]);
    for (const file of wholeModel) expect(has("verl-training-manager/basic-usage/model", file)).toBe(true);
  },
  "one-interface.ts": ({ lines }) => {
    const [before, after, loaded] = lines.map((line) => Number(/^\w+: reward ([\d.]+)$/.exec(line)![1]));
    expect(after).not.toBe(before);
    expect(loaded).toBe(after);
  },
  "four-algorithms.ts": ({ lines }) => {
    const said = lines.map((line) => /^(\w+): algorithm (\w+), advantage ([\w ]+), 2 steps, reward [\d.]+$/.exec(line)!.slice(1));
    expect(said).toEqual([["ppo", "ppo", "gae"], ["grpo", "grpo", "grpo"], ["dapo", "dapo", "grpo"], ["prime", "prime", "of its own"]]);
  },
  "custom-components.ts": ({ printed }) => {
    const [own, managed] = /^my_reward_function ([\d.]+), through my_reward_manager (-?[\d.]+)\n$/.exec(printed)!.slice(1).map(Number);
    expect(managed).toBeLessThan(own!);
    expect(own! - managed!).toBeLessThanOrEqual(0.01 * 24 + 1e-6); // of 24 tokens at most
  },
  "core-algorithm.ts": ({ lines }) => {
    expect(lines[0]).toMatch(/^computeCustomAdvantage: computeCustomAdvantage, 4 steps, loss -?[\d.]+$/);
    expect(lines[1]).toMatch(/^without a name: computeWeightedGrpoAdvantage, 4 steps, loss -?[\d.]+$/);
  },
  "command-line.ts": ({ printed, has }) => {
    expect(printed).toMatch(/^ {2}advantage +custom:.*custom-core-algos\.ts#computeWeightedGrpoAdvantage/m);
    expect(printed).toMatch(/^ {2}algorithm_type +advantage +\{"module":.*\(set over it\)$/m);
    expect(printed).toMatch(/^step 4\/4 +reward [\d.]+/m);
    expect(has("verl-training-manager/command-line/model.safetensors")).toBe(true);
  },
  "train-verl.ts": ({ printed }) => {
    const [reward] = numbers(printed, /^4 of 4 steps in [\d.]+ s, reward ([\d.]+); /g);
    isShare(reward);
  },
  "configuration.ts": ({ lines }) => {
    const sections = ["data", "actor_rollout_ref", "critic", "reward_model", "verifier", "algorithm", "trainer"];
    expect(lines.filter((line) => sections.includes(line))).toEqual(sections);
    for (const section of sections) expect(lines[lines.indexOf(section) + 1], section).toMatch(new RegExp(`^  ${section}\\.\\S+ → \\S+ = `));
    expect(lines).toContain('  verifier.reward_coef → rewards = [{"name":"by_data_source","weight":5}]');
    expect(lines.at(-1)).toMatch(/^note: trainer\.n_gpus_per_node: no counterpart/);
  },
  "new-algorithm.ts": ({ printed, all }) => {
    const [loss] = numbers(printed, /^RaftTrainer with the advantage best_of_group and the loss gpg: 4 steps, loss ([\d.]+)\n$/g);
    expect(loss).toBeGreaterThan(0); // −log p of the best
    expect(all).toContain('algorithm.adv_estimator: "grpo" gives way to best_of_group, which the algorithm type raft asks for');
  },
  "new-component-type.ts": ({ lines }) => {
    const [exact, last] = lines.map((line) => Number(/^(?:exact|last_number): reward ([\d.]+) before 1 step$/.exec(line)![1]));
    expect(exact).toBe(0); // the answer stands after its working
    expect(last).toBeGreaterThan(0);
  },
};

/** Files that the examples import or name. */
const modules = ["settings.ts", "score.ts", "custom-core-algos.ts", "raft.ts"];

const page = readFileSync(join(documents, "../../docs/documents.md"), "utf8");

test.each([["trainers", trainers], ["trl-methods", methods], ["verl-training-manager", verl]] as const)("every file of %s is run here and stands in docs/documents.md", (folder, checks) => {
  const files = readdirSync(join(documents, folder)).filter((name) => name.endsWith(".ts"));
  expect(files.filter((name) => !modules.includes(name)).sort()).toEqual(Object.keys(checks).sort());
  expect(files.filter((name) => name !== "settings.ts" && !page.includes(`examples/documents/${folder}/${name}`))).toEqual([]);
});

const cases = Object.entries({ trainers, "trl-methods": methods, "verl-training-manager": verl }).flatMap(([folder, checks]) => Object.entries(checks).map(([name, check]) => [`${folder}/${name}`, check] as const));
test.each(cases)("%s", async (path, check) => {
  const { printed, all } = await runExample(path);
  check({ printed, all, lines: printed.trimEnd().split("\n"), has: (...parts) => existsSync(join(exampleOutput, ...parts)) });
});
