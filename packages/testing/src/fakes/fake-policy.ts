import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tf } from "@verlet/backend";
import type { LogProbOptions, LogProbResult, Parameter, Policy, Rng, SampledRow, SamplingOptions, TargetSelection, TokenBatch } from "@verlet/core";
import type { ModelSource } from "@verlet/manager";
import { decodeFloats, readSafetensors, writeSafetensors } from "@verlet/model";
import { ByteTokenizer } from "./byte-tokenizer.js";
import { FakeCritic } from "./fake-critic.js";

const V = ByteTokenizer.vocabulary;

/**
 * A unigram model: one logit per token, the same at every position. Learns which bytes are frequent.
 * Samples at a temperature, without top-k, top-p or min-p.
 */
export class FakePolicy implements Policy {
  readonly #logits = tf.tidy(() => tf.variable(tf.zeros([V])));
  readonly trainable: readonly Parameter[] = [{ name: "logits", variable: this.#logits }];

  logProbs(tokens: TokenBatch, { positions }: TargetSelection, { temperature, entropy, sumSquares, mostLikely }: LogProbOptions): LogProbResult {
    const targets = tf.tensor1d(Array.from(positions, (p) => tokens.ids[p]!), "int32");
    const all = tf.logSoftmax(tf.div<tf.Tensor1D>(this.#logits, temperature)); // [V]
    const logProbs = tf.sum<tf.Tensor1D>(tf.mul(tf.oneHot(targets, V), all), 1); // [N]
    const everywhere = (value: tf.Tensor): tf.Tensor1D => tf.mul(tf.ones([positions.length]), value); // [] → [N]
    const spread = tf.neg(tf.sum(tf.mul(tf.exp(all), all)));
    return {
      logProbs,
      ...(entropy && { entropy: everywhere(entropy === "differentiable" ? spread : tf.scalar(spread.dataSync()[0]!)) }),
      ...(sumSquares && { sumSquares: everywhere(tf.sum(tf.square(tf.exp(all)))) }),
      ...(mostLikely && { mostLikely: tf.cast(tf.equal(targets, tf.argMax(all)), "float32") }),
    };
  }

  async generate(prompts: readonly (readonly number[])[], { maxNewTokens, temperature, stopTokenIds }: SamplingOptions, rng: Rng): Promise<SampledRow[]> {
    const probabilities = tf.tidy(() => tf.softmax(tf.div(this.#logits, temperature || 1)).dataSync());
    const best = probabilities.indexOf(Math.max(...probabilities));
    const draw = (u: number): number => {
      if (temperature === 0) return best;
      let id = 0;
      for (let sum = probabilities[0]!; sum < u && id < V - 1; sum += probabilities[id]!) id++;
      return id;
    };
    return prompts.map(() => {
      const ids: number[] = [];
      while (ids.length < maxNewTokens && !stopTokenIds.includes(ids.at(-1) ?? -1)) ids.push(draw(rng.uniform()));
      return { ids, logProbs: Float32Array.from(ids, (id) => Math.log(probabilities[id]!)), finished: stopTokenIds.includes(ids.at(-1)!) };
    });
  }

  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "config.json"), "{}");
    const data = this.#logits.dataSync<"float32">();
    await writeSafetensors(join(folder, "model.safetensors"), { logits: { dtype: "F32", shape: [V], data } });
  }

  async restore(folder: string): Promise<void> {
    const entry = (await readSafetensors(join(folder, "model.safetensors"))).get("logits")!;
    tf.tidy(() => this.#logits.assign(tf.tensor1d(decodeFloats(entry.data, entry.dtype))));
  }

  dispose(): void {
    this.#logits.dispose();
  }
}

/** The fakes in place of a Hugging Face folder. */
export const fakeModels: ModelSource = {
  loadPolicy: async () => new FakePolicy(),
  loadTokenizer: async () => new ByteTokenizer(),
  loadCritic: async () => new FakeCritic(),
};
