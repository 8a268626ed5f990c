import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import { resolveConfig } from "@verlet/config";
import { registerReward, registerTrainer, type Run, type Trainer } from "@verlet/core";
import { buildRun, createManager, openSession } from "@verlet/manager";
import { ADAPTER_CONFIG, CausalLM, readSafetensors, ValueModel } from "@verlet/model";
import { fakeModels, tinyRlConfig } from "@verlet/testing";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fileOf, metricsOf } from "./fake-run.js";
import { trainRun } from "./train-run.js";

const models = join(import.meta.dirname, "../../fixtures/models");
const lora = { lora: { r: 4, dropout: 0.1 } };

// An outcome for PRIME, which differs within most groups of random completions.
registerReward("odd-sum")(({ completionIds }) => completionIds.reduce((sum, id) => sum + id, 0) % 2);

const algorithms: Record<string, object> = {
  ppo: { name: "ppo", critic: { learningRate: 0.01, warmupSteps: 1 } },
  prime: { name: "prime", rewardModel: { learningRate: 0.01 }, filter: { dropTruncated: false, oversample: 2 } },
};

/** Two updates a batch and a KL term, so that a batch, values and a reference are carried over a stop. */
function config(folder: string, outputDir: string, algorithm: string, model: object): Record<string, unknown> {
  const train = join(folder, "prompts.jsonl");
  writeFileSync(train, ["one", "two and", "three", "four", "five"].map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""));
  return {
    algorithm: algorithms[algorithm],
    model,
    data: { train },
    rollout: { numGenerations: 2, maxNewTokens: 4 },
    rewards: [{ name: "odd-sum" }],
    loss: { klCoef: 0.1, iterations: 2 },
    optimizer: { learningRate: 0.01, schedule: { name: "cosine", warmupSteps: 1 } },
    trainer: { batchSize: 2, microBatchSize: 3, maxSteps: 4, outputDir, loggers: ["jsonl"], rolloutsEvery: 0 },
    backend: "wasm",
  };
}

describe("a model beside the policy", () => {
  it.each([
    ["ppo", "all weights", "qwen3", {}, "critic", "model.safetensors"],
    ["ppo", "an adapter", "llama", lora, "critic", "adapter_model.safetensors"],
    ["prime", "all weights", "qwen3-untied-bf16", {}, "reward-model", "model.safetensors"],
    ["prime", "an adapter", "qwen3", lora, "reward-model", "adapter_model.safetensors"],
  ])("%s on %s, stopped and resumed, ends where an unbroken run ends", async (algorithm, _, name, more, beside, weights) => {
    const folder = tempFolder();
    const model = { path: join(models, name), ...more };
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    await trainRun(config(folder, whole, algorithm, model));
    await trainRun(config(folder, parts, algorithm, model), 3);
    await trainRun(config(folder, parts, algorithm, model));
    expect(metricsOf(parts)).toEqual(metricsOf(whole));
    const checkpoint = "checkpoints/step-000004";
    for (const file of [weights, join(beside, weights), join(checkpoint, "optimizer.safetensors"), join(checkpoint, beside, weights), join(checkpoint, beside, "optimizer.safetensors")]) {
      expect(Buffer.compare(fileOf(parts, file), fileOf(whole, file)), file).toBe(0);
    }
    expect(Buffer.compare(fileOf(whole, checkpoint, beside, weights), fileOf(whole, "checkpoints/step-000004", weights))).not.toBe(0);
  }, 120_000);

  it("is written beside the policy, loads again, and is named in the plan with its memory", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    const recorder = await trainRun(config(folder, out, "ppo", { path: join(models, "qwen3") }));
    expect(recorder.lines.join("\n")).toMatch(/critic +a critic, trained beside the policy; 1\.0 MiB for \d+ trained numbers with gradients and moments/);
    expect(readdirSync(join(out, "critic")).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    const critic = await ValueModel.load(join(out, "critic"));
    const head = critic.trainable.find(({ name }) => name === "score.weight")!;
    expect(Math.max(...head.variable.dataSync().map(Math.abs))).toBeGreaterThan(0);
    critic.dispose();
    const policy = await CausalLM.load(out);
    policy.dispose();
  }, 120_000);

  it("under LoRA is an adapter over the policy's own weights", async () => {
    const folder = tempFolder();
    const out = join(folder, "out");
    await trainRun({ ...config(folder, out, "ppo", { path: join(models, "qwen3"), ...lora }) });
    expect(JSON.parse(readFileSync(join(out, "critic", ADAPTER_CONFIG), "utf8"))).toMatchObject({ task_type: "TOKEN_CLS", base_model_name_or_path: join(models, "qwen3") });
    const names = [...(await readSafetensors(join(out, "critic/adapter_model.safetensors"))).keys()];
    expect(names.filter((name) => !name.includes("lora_"))).toEqual(["base_model.model.score.weight", "base_model.model.score.bias"]);
  }, 120_000);
});

describe("a critic that diverges", () => {
  it("stops the run and is named", async () => {
    const diverging = tinyRlConfig({ algorithm: { name: "ppo", critic: { learningRate: 1e30 } }, trainer: { maxSteps: 4 } });
    const manager = await createManager(diverging, { models: fakeModels });
    await expect(manager.train()).rejects.toThrow(/\[step 2\] training has diverged: got critic\/vf_loss .*, expected finite numbers\. Lower the learning rate of critic,/);
    await manager.dispose();
  });
});

/** A trainer that only asks for companions. */
let ask: (run: Run) => Promise<unknown> = async () => undefined;
@registerTrainer("companions-test/asking")
export class AskingTrainer implements Trainer {
  setup(run: Run): Promise<void> {
    return ask(run).then(() => undefined);
  }
  async step(): Promise<never> {
    throw new Error("not stepped");
  }
  state(): null {
    return null;
  }
  restore(): void {}
}

describe("asking for models beside the policy", () => {
  async function setup(asking: typeof ask, source = fakeModels): Promise<void> {
    ask = asking;
    const loaded = await resolveConfig(tinyRlConfig({ algorithm: "companions-test/asking", rollout: undefined, rewards: undefined }));
    const session = await openSession(loaded, source);
    const tensors = tf.memory().numTensors;
    try {
      const run = await buildRun(session, loaded, () => undefined);
      run.dispose();
    } finally {
      expect(tf.memory().numTensors).toBe(tensors); // whatever was loaded has been freed
      session.dispose();
    }
  }

  it("each has a name of its own that is no other folder's", async () => {
    await setup(({ companions }) => Promise.all([companions.policyCopy("one"), companions.critic("two")]));
    await expect(setup(async ({ companions }) => {
      await companions.policyCopy("one");
      await companions.critic("one");
    })).rejects.toThrow("[algorithm companions-test/asking] a model beside the policy has no name of its own: got one, expected a word in lower case, and none of checkpoints, rollouts, one.");
    await expect(setup(({ companions }) => companions.critic("checkpoints"))).rejects.toThrow("got checkpoints");
    await expect(setup(({ companions }) => companions.critic("../critic"))).rejects.toThrow("got ../critic");
  });

  it("models of a script without a critic are told what is missing", async () => {
    const { loadPolicy, loadTokenizer } = fakeModels;
    await expect(setup(({ companions }) => companions.critic("critic"), { loadPolicy, loadTokenizer })).rejects.toThrow(
      "[algorithm companions-test/asking] the run's own models have no critic. Give `models` a loadCritic, or take an algorithm without a critic.",
    );
  });

  it("its optimizer follows the `optimizer` section but for what the trainer sets", async () => {
    await setup(async (run) => {
      const { model, optimizer } = await run.companions.critic("critic", { learningRate: 0.3, maxGradNorm: undefined });
      const plain = await run.companions.critic("plain");
      const gradients = (): tf.Tensor[] => model.trainable.map(({ variable }) => tf.zerosLike(variable));
      for (const [each, rate] of [[optimizer, 0.3], [plain.optimizer, 0.05]] as const) {
        const zeros = gradients();
        expect(each.step(zeros)).toMatchObject({ learning_rate: rate });
        tf.dispose(zeros);
      }
    });
  });
});
