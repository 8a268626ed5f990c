import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  checkTrlInstallation, createAccuracyReward, createLoraConfig, createRlDataset, createSftDataset, formatTrainingTime, getDeviceInfo, getInstallationGuide, GRPOTrainerWrapper, PPOTrainerWrapper, printTrainingSummary, setupTrainingEnvironment,
  SFTTrainerWrapper, TrainingConfig, TRL_AVAILABLE,
} from "@verlet/agents";
import { selectBackend } from "@verlet/backend";
import { loadTokenizer } from "@verlet/model";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { tempFolder } from "../../fakes/temp-folder.js";
import { model, questions } from "./tiny.js";

type Tree = Record<string, Record<string, unknown>>;
const resolved = (folder: string): Tree => parse(readFileSync(join(folder, "config.resolved.yaml"), "utf8")) as Tree;
const quiet = { console: false, backend: "wasm" } as const;

describe("trainer wrappers", () => {
  test("SFT, then GRPO from its model, as the document has it", async () => {
    const folder = tempFolder();
    const [first, second] = [join(folder, "sft"), join(folder, "grpo")];
    const demonstrations = await createSftDataset({ dataset: questions });
    const sft = new SFTTrainerWrapper({ model_name: model, dataset: demonstrations, output_dir: first, num_epochs: 1, batch_size: 2, use_lora: false, ...quiet });
    const result = await sft.train();
    expect(result).toMatchObject({ algorithm: "sft", outputDir: first, numSamples: 4, steps: 2, useLora: false });
    expect(await sft.saveModel(join(folder, "copy"))).toBe(join(folder, "copy"));
    expect(readdirSync(join(folder, "copy")).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    await loadTokenizer(join(folder, "copy"));
    expect(await sft.saveModel()).toBe(first);

    const grpo = new GRPOTrainerWrapper({ modelName: join(folder, "copy"), dataset: await createRlDataset({ dataset: questions }), rewardFn: createAccuracyReward(), outputDir: second, numGenerations: 2, maxNewTokens: 4, maxSteps: 1, ...quiet });
    const learned = await grpo.train();
    expect(learned).toMatchObject({ algorithm: "grpo", steps: 1 });
    expect(learned.averageReward).toBeGreaterThanOrEqual(0);
    expect(resolved(second)).toMatchObject({ optimizer: { learningRate: 1e-5 }, trainer: { batchSize: 2 }, data: { chatTemplate: "always", columns: { answer: "ground_truth" } } });
  });

  test("LoRA by createLoraConfig", async () => {
    const out = join(tempFolder(), "out");
    const loraConfig = createLoraConfig({ r: 4, lora_alpha: 8, lora_dropout: 0.05, target_modules: ["q_proj", "v_proj"] });
    const wrapper = new SFTTrainerWrapper({ modelName: model, dataset: questions, outputDir: out, numEpochs: 1, useLora: true, loraConfig, ...quiet });
    expect(await wrapper.train()).toMatchObject({ useLora: true });
    expect(resolved(out).model!.lora).toMatchObject({ r: 4, alpha: 8, targetModules: ["q_proj", "v_proj"] });
    await wrapper.saveModel(join(out, "../copy"));
    expect(readdirSync(join(out, "../copy"))).toContain("adapter_model.safetensors");
  });

  test("gradient_checkpointing checkpoints, and bf16 is refused where the backend has none", async () => {
    const out = join(tempFolder(), "out");
    await new SFTTrainerWrapper({ modelName: model, dataset: questions, outputDir: out, maxSteps: 1, gradient_checkpointing: true, ...quiet }).train();
    expect(resolved(out)).toMatchObject({ trainer: { gradientCheckpointing: true }, model: { computeDtype: "float32" } });
    const half = new SFTTrainerWrapper({ modelName: model, dataset: questions, outputDir: join(out, "half"), bf16: true, ...quiet });
    await expect(half.train()).rejects.toThrow("[model.computeDtype] no such arithmetic on this backend: got bfloat16 on wasm");
  });

  test("PPO is there", async () => {
    const out = join(tempFolder(), "out");
    const wrapper = new PPOTrainerWrapper({ modelName: model, dataset: questions, rewardFn: (texts) => texts.map((text) => text.length % 3), outputDir: out, maxNewTokens: 4, maxSteps: 1, ...quiet });
    expect(await wrapper.train()).toMatchObject({ algorithm: "ppo", steps: 1 });
    expect(existsSync(join(out, "critic/model.safetensors"))).toBe(true);
  });

  test("TrainingConfig has TRL's names and the documents' defaults; arguments beside it win", async () => {
    const folder = tempFolder();
    const config = new TrainingConfig({ model_name: model, output_dir: join(folder, "a"), num_train_epochs: 1, per_device_train_batch_size: 2, gradient_accumulation_steps: 2, lora_r: 4, max_completion_length: 4, num_generations: 2, backend: "wasm" });
    await new SFTTrainerWrapper({ config: new TrainingConfig({ ...config.options, numGenerations: undefined, maxNewTokens: undefined }), dataset: questions, console: false }).train();
    const sft = resolved(join(folder, "a"));
    expect(sft.optimizer).toMatchObject({ learningRate: 5e-5, schedule: { warmupSteps: 100 } });
    expect(sft.trainer).toMatchObject({ batchSize: 4, microBatchSize: 2, epochs: 1, saveEvery: 500, seed: 42 });
    expect(sft.model!.lora).toMatchObject({ r: 4, alpha: 32, dropout: 0.05, targetModules: ["q_proj", "v_proj"] });
    expect(sft.data).toMatchObject({ maxLength: 2048 });
    await new GRPOTrainerWrapper({ config, dataset: questions, outputDir: join(folder, "b"), warmupSteps: 0, console: false }).train();
    const grpo = resolved(join(folder, "b"));
    expect(grpo.optimizer).toMatchObject({ learningRate: 1e-5, schedule: { warmupSteps: 0 } }); // not SFT's 5e-5
    expect(grpo.trainer).toMatchObject({ batchSize: 4, microBatchSize: 4 });
  });

  test("TrainingConfig's LoRA defaults give way to useLora: false and to an adapter that is there", async () => {
    const folder = tempFolder();
    const [adapter, whole, further] = [join(folder, "a"), join(folder, "b"), join(folder, "c")];
    const shared = { dataset: questions, maxSteps: 1, ...quiet };
    await new SFTTrainerWrapper({ modelName: model, outputDir: adapter, useLora: true, loraR: 4, ...shared }).train();
    expect(await new SFTTrainerWrapper({ config: new TrainingConfig({ modelName: model, loraR: 4 }), useLora: false, outputDir: whole, ...shared }).train()).toMatchObject({ useLora: false });
    expect(await new SFTTrainerWrapper({ config: new TrainingConfig({ modelName: adapter }), outputDir: further, ...shared }).train()).toMatchObject({ useLora: true });
    await expect(new SFTTrainerWrapper({ config: new TrainingConfig({ modelName: adapter, loraR: 8 }), outputDir: further, ...shared }).train()).rejects.toThrow("made with another r: got 8, expected 4");
  });

  test("wrong arguments", async () => {
    const dataset = questions;
    expect(() => new SFTTrainerWrapper({ modelName: model })).toThrow("[SFTTrainerWrapper] there is no data set (数据集未设置，请提供训练数据集)");
    expect(() => new SFTTrainerWrapper({ dataset })).toThrow("[SFTTrainerWrapper] modelName: got nothing, expected text.");
    expect(() => new SFTTrainerWrapper({ dataset, modelName: model, epochs: 3 })).toThrow("unknown option: got `epochs`");
    expect(() => new SFTTrainerWrapper({ dataset, modelName: model, model_name: model })).toThrow("one option given twice");
    expect(() => new GRPOTrainerWrapper({ dataset, modelName: model, loraConfig: { r: 4 } })).toThrow("loraConfig: got it without LoRA");
    expect(() => new GRPOTrainerWrapper({ dataset, modelName: model, useLora: true, loraR: 8, loraConfig: { r: 4 } })).toThrow("a LoRA option is given twice: got loraR beside loraConfig and in it");
    expect(() => new GRPOTrainerWrapper({ dataset, modelName: model, config: {} as never })).toThrow("config: got object, expected a TrainingConfig");
    expect(() => new TrainingConfig({ use_fp32: true })).toThrow("unknown option: got `use_fp32`");
    expect(() => createLoraConfig({ rank: 4 })).toThrow("[createLoraConfig] unknown option: got `rank`");
    await expect(new SFTTrainerWrapper({ dataset, modelName: model }).saveModel()).rejects.toThrow("[SFTTrainerWrapper.saveModel] there is no trained model yet. Call train() first.");
    await expect(new GRPOTrainerWrapper({ dataset, modelName: model, rewardFn: 7 as never, outputDir: join(tempFolder(), "x"), ...quiet }).train()).rejects.toThrow("[reward] this is no reward: got 7");
    const fp16 = new SFTTrainerWrapper({ dataset, config: new TrainingConfig({ modelName: model, useFp16: true, outputDir: join(tempFolder(), "x") }), console: false });
    await expect(fp16.train()).rejects.toThrow("[SFTTrainerWrapper] fp16: got true, expected false: there is float32, and bfloat16 on native. Take it out, or set bf16 to true");
  });
});

describe("around a run", () => {
  test("the environment and the device", async () => {
    const outputDir = join(tempFolder(), "new");
    const there = await setupTrainingEnvironment(new TrainingConfig({ outputDir }));
    expect(existsSync(outputDir)).toBe(true);
    expect(there).toEqual({ ...(await getDeviceInfo()), outputDir });
    expect(["cpu", "cuda", "webgpu"]).toContain(there.device);
    expect(there.memoryGb).toBeGreaterThan(0);
    expect(TRL_AVAILABLE).toBe(true);
    await expect(setupTrainingEnvironment({} as never)).rejects.toThrow("config: got object, expected a TrainingConfig");
  });

  test("what is here, and what would be faster", async () => {
    expect(await checkTrlInstallation()).toBe(true);
    await selectBackend("wasm");
    const guide = await getInstallationGuide();
    expect(guide).toMatch(/^verlet needs neither TRL nor Python\.\nTraining runs on backend wasm, on .+, \d+ threads?\.\nNot tried: tfjs-node-gpu, native, .*npx verlet setup/);
    const auto = await selectBackend("auto");
    for (const { name, why, fix } of auto.passedOver) expect(await getInstallationGuide()).toContain(`Faster would be ${name}: ${why}${fix ? `. To change it: ${fix}` : ""}`);
    expect(await getInstallationGuide()).toContain(`Training runs on backend ${auto.name}`);
  });

  test("times and the summary", () => {
    expect([0, 59.9, 61, 3725].map(formatTrainingTime)).toEqual(["0s", "59s", "1m 1s", "1h 2m 5s"]);
    expect(() => formatTrainingTime(-1)).toThrow("[formatTrainingTime] seconds: got -1, expected a number from 0 on.");
    let text = "";
    printTrainingSummary({ algorithm: "grpo", modelName: "m", outputDir: "./out", modelPath: "./out", numSamples: 4, numEpochs: 1, useLora: true, steps: 2, totalSteps: 4, finalLoss: 0.5, averageReward: 0.25, seconds: 61, backend: "wasm", interrupted: true, metrics: {} }, (part) => (text += part));
    expect(text).toBe(`algorithm       grpo
model           m
samples         4
epochs          1
LoRA            yes
steps           2 of 4, stopped early
final loss      0.5000
mean reward     0.2500
time            1m 1s on wasm
model saved in  ./out
`);
  });
});
