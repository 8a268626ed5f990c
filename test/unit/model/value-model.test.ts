import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gradientsOf, tf, type ComputeDtype } from "@verlet/backend";
import { Rng, type TokenBatch } from "@verlet/core";
import { collate } from "@verlet/data";
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, CausalLM, readSafetensors, ValueModel, writeSafetensors, type LoraConfig } from "@verlet/model";
import { globalNorm } from "@verlet/optim";
import { casesOn, describeEverywhere, describeOnOneBackend } from "../../helpers/backends.js";
import { Arrays, fixture, maxDifference, readJson, relativeL2 } from "../../helpers/fixtures.js";
import { describeInBfloat16 } from "../../helpers/native.js";
import { expectNoLeak, replayedResult } from "../../helpers/tensors.js";

const REWARD = fixture("models/qwen3-reward");
const POLICY = fixture("models/qwen3");
const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear", rslora: false, dora: false };

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "verlet-value-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The rows without their padding, wherever it was, as the model takes them. */
function withoutPadding(ids: Int32Array | readonly number[], mask: ArrayLike<number>, rows: number): TokenBatch {
  const width = ids.length / rows;
  return collate(Array.from({ length: rows }, (_, row) => [...ids].slice(row * width, (row + 1) * width).filter((_, t) => mask[row * width + t])), 0);
}

/** Each row's last token, where a reward model is read. */
const lastTokens = ({ lengths, width }: TokenBatch): Int32Array => lengths.map((length, row) => row * width + length - 1);

const tokens = collate([[5, 17, 42, 101, 7], [31, 77, 12], [9, 55, 140, 201]], 0);
/** The last two tokens of each row. */
const selection = { positions: Int32Array.of(3, 4, 6, 7, 12, 13) };

const numbersOf = (values: tf.Tensor): number[] => {
  const numbers = [...values.dataSync()];
  values.dispose();
  return numbers;
};
const valuesOf = (model: ValueModel): number[] => numbersOf(tf.tidy(() => model.values(tokens, selection)));

/** Draws every trained weight anew, so that nothing is zero. */
function disturb(model: Pick<ValueModel, "trainable">): void {
  const rng = new Rng(3);
  for (const { variable } of model.trainable) {
    tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(Float32Array.from({ length: variable.size }, () => 0.1 * rng.normal()), variable.shape))));
  }
}

interface ModelCase {
  model_case: { batch: { input_ids: number[][]; attention_mask: number[][] }; scores: number[]; loss: number; grad_global_norm: number; grad_score_weight: number[]; grad_final_norm: number[] };
}

async function largestScoreError(arrays: Arrays, side: string, computeDtype: ComputeDtype = "float32"): Promise<number> {
  const model = await ValueModel.load(REWARD, { computeDtype });
  const batch = withoutPadding(arrays.ints(`${side}.input_ids`), arrays.ints(`${side}.attention_mask`), 4);
  const error = maxDifference(numbersOf(tf.tidy(() => model.scores(batch, lastTokens(batch)))), arrays.floats(`${side}.scores`));
  model.dispose();
  return error;
}

const modelCase = readJson<ModelCase>("losses/trl_reward_model.json").model_case;

/** TRL's reward loss, −log σ(chosen − rejected), with its gradients. */
async function rewardLoss(computeDtype: ComputeDtype = "float32"): Promise<{ loss: number; norm: number; scoreWeight: Float32Array; finalNorm: Float32Array }> {
  const { batch, scores } = modelCase;
  const model = await ValueModel.load(REWARD, { computeDtype });
  const rows = withoutPadding(batch.input_ids.flat(), batch.attention_mask.flat(), scores.length);
  const result = replayedResult(() => {
    const { value, gradients } = gradientsOf(() => {
      const [chosen, rejected] = tf.split(model.scores(rows, lastTokens(rows)), 2) as [tf.Tensor1D, tf.Tensor1D];
      return tf.neg(tf.mean(tf.log(tf.sigmoid(tf.sub(chosen, rejected))))) as tf.Scalar;
    }, model.trainable.map(({ variable }) => variable));
    const gradientOf = (name: string): Float32Array => Float32Array.from(gradients[model.trainable.findIndex((parameter) => parameter.name === name)]!.dataSync());
    const numbers = { loss: value.dataSync()[0]!, norm: globalNorm(gradients), scoreWeight: gradientOf("score.weight"), finalNorm: gradientOf("model.norm.weight") };
    tf.dispose([value, gradients]);
    return numbers;
  });
  model.dispose();
  return result;
}

await describeEverywhere("a value model", (backend) => {
  test.each(casesOn(backend, ["left", "right"], (side) => side === "left"))("scores the rows of transformers' Qwen3ForSequenceClassification, padded on the %s", async (side) => {
    expect(await largestScoreError(await Arrays.read("models/qwen3-reward/expected.safetensors"), side)).toBeLessThan(2e-4); // as for logits
  });

  if (backend === "webgpu") return; // ten seconds there

  test("has the gradients that torch has through TRL's reward loss", async () => {
    const got = await rewardLoss();
    expect(Math.abs(got.loss - modelCase.loss)).toBeLessThan(1e-4);
    expect(Math.abs(got.norm / modelCase.grad_global_norm - 1)).toBeLessThan(1e-3);
    expect(relativeL2(got.scoreWeight, modelCase.grad_score_weight)).toBeLessThan(1e-3);
    expect(relativeL2(got.finalNorm, modelCase.grad_final_norm)).toBeLessThan(1e-3);
  });
});

describeInBfloat16("a value model", () => {
  // Products of 8 bits: 0.03 was measured of the scores and of each gradient.
  test("has scores, the loss and gradients near the golden float32 ones", async () => {
    const arrays = await Arrays.read("models/qwen3-reward/expected.safetensors");
    expect(await largestScoreError(arrays, "right", "bfloat16")).toBeLessThan(0.05);
    const got = await rewardLoss("bfloat16");
    expect(Math.abs(got.loss / modelCase.loss - 1)).toBeLessThan(0.02);
    expect(Math.abs(got.norm / modelCase.grad_global_norm - 1)).toBeLessThan(0.05);
    expect(relativeL2(got.scoreWeight, modelCase.grad_score_weight)).toBeLessThan(0.1);
    expect(relativeL2(got.finalNorm, modelCase.grad_final_norm)).toBeLessThan(0.1);
  });
});

describeOnOneBackend("a critic", () => {
  test("starts from a policy's folder with a head that gives 0 everywhere", async () => {
    const model = await ValueModel.load(POLICY);
    expect(valuesOf(model)).toEqual([0, 0, 0, 0, 0, 0]);
    const policy = await CausalLM.load(POLICY);
    expect(model.trainable.map(({ name }) => name)).toEqual([...policy.trainable.map(({ name }) => name), "score.weight", "score.bias"]); // tied: no lm_head
    for (const { name, variable } of policy.trainable) {
      expect(Buffer.compare(Buffer.from(model.trainable.find((other) => other.name === name)!.variable.dataSync().buffer), Buffer.from(variable.dataSync().buffer)), name).toBe(0);
    }
    model.dispose();
    policy.dispose();
  });

  test("gives the value of the state before each selected token", async () => {
    const model = await ValueModel.load(POLICY);
    disturb(model);
    const before = numbersOf(tf.tidy(() => model.scores(tokens, selection.positions.map((p) => p - 1))));
    expect(valuesOf(model)).toEqual(before);
    // What comes later does not count: the values of row 0 are those of the row without its last token.
    const shorter = collate([[5, 17, 42, 101]], 0);
    expect(maxDifference(numbersOf(tf.tidy(() => model.values(shorter, { positions: Int32Array.of(3) }))), before.slice(0, 1))).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each(["qwen3", "llama", "qwen3-untied-bf16"])("comes back from its folder bit for bit, made of %s", async (name) => {
    const model = await ValueModel.load(fixture(`models/${name}`));
    disturb(model);
    const expected = valuesOf(model);
    await model.save(folder, { dtype: "float32" });
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ architectures: [name === "llama" ? "LlamaForTokenClassification" : "Qwen3ForTokenClassification"], id2label: { 0: "LABEL_0" } });
    expect([...(await readSafetensors(join(folder, "model.safetensors"))).keys()]).not.toContain("lm_head.weight");
    const loaded = await ValueModel.load(folder);
    expect(valuesOf(loaded)).toEqual(expected);
    disturb(loaded);
    expect(valuesOf(loaded)).not.toEqual(expected);
    await loaded.restore(folder);
    expect(valuesOf(loaded)).toEqual(expected);
    model.dispose();
    loaded.dispose();
  });

  test("a reward model keeps its layout, without a bias", async () => {
    const model = await ValueModel.load(REWARD);
    await model.save(folder);
    const [got, expected] = await Promise.all([folder, REWARD].map((path) => readSafetensors(join(path, "model.safetensors"))));
    expect([...got!.keys()].sort()).toEqual([...expected!.keys()].sort());
    for (const [name, { data }] of expected!) expect(Buffer.compare(got!.get(name)!.data, data), name).toBe(0);
    expect(JSON.parse(await readFile(join(folder, "config.json"), "utf8"))).toMatchObject({ architectures: ["Qwen3ForSequenceClassification"] });
    model.dispose();
  });

  test("under LoRA borrows a policy's frozen weights, and trains an adapter and the head", async () => {
    const policy = await CausalLM.load(POLICY, { lora });
    const before = tf.memory().numTensors;
    const model = await ValueModel.load(POLICY, { lora, base: policy.parameters });
    expect(tf.memory().numTensors - before).toBe(model.trainable.length);
    expect(model.trainable.filter(({ name }) => !name.includes("lora_")).map(({ name }) => name)).toEqual(["score.weight", "score.bias"]);
    disturb(model);
    const expected = valuesOf(model);
    await model.save(folder);
    expect(JSON.parse(await readFile(join(folder, ADAPTER_CONFIG), "utf8"))).toMatchObject({ task_type: "TOKEN_CLS", modules_to_save: ["score"] });
    expect([...(await readSafetensors(join(folder, ADAPTER_WEIGHTS))).keys()]).toEqual(expect.arrayContaining(["base_model.model.score.weight", "base_model.model.score.bias"]));
    disturb(model);
    await model.restore(folder);
    expect(valuesOf(model)).toEqual(expected);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
    policy.dispose();
  });

  test("leaves no tensors behind", async () => {
    await expectNoLeak(async () => {
      const model = await ValueModel.load(POLICY);
      const { value, gradients } = gradientsOf(() => tf.sum(model.values(tokens, selection)) as tf.Scalar, model.trainable.map(({ variable }) => variable));
      tf.dispose([value, gradients]);
      model.dispose();
    });
  });

  test("a head with several labels is refused", async () => {
    await cp(REWARD, folder, { recursive: true });
    const entries = await readSafetensors(join(REWARD, "model.safetensors"));
    const wide = { dtype: "F32" as const, shape: [3, 48], data: new Float32Array(144) };
    await writeSafetensors(join(folder, "model.safetensors"), { ...Object.fromEntries(entries), "score.weight": wide });
    await expect(ValueModel.load(folder)).rejects.toThrow(/model\.safetensors: score\.weight\] wrong shape: got \[3, 48\], expected \[1, 48\]/);
  });
});
