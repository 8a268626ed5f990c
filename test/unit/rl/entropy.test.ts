import { expect, test } from "vitest";
import { scatterTo, tf, tokenLogProbs } from "@verlet/backend";
import type { AggregationMode } from "@verlet/core";
import { aggregate } from "@verlet/rl";
import { casesOn, describeEverywhere } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";
import { valueAndGradient } from "../../helpers/tensors.js";

interface Fixture {
  inputs: { logits: number[][][]; response_mask: number[][] };
  token_entropy: number[][];
  cases: { loss_agg_mode: AggregationMode; loss: number; grad_logits: number[][][] }[];
}

await describeEverywhere("verl's entropy loss", (backend) => {
  const { inputs, token_entropy, cases } = readJson<Fixture>("losses/verl_entropy.json");
  const mask = inputs.response_mask;
  const [rows, width, vocabulary] = [mask.length, mask[0]!.length, inputs.logits[0]![0]!.length];
  const everyToken = Int32Array.from({ length: rows * width }, (_, i) => i);

  /** The entropy of each token, [B, C], with logits as the hidden states of an identity head. */
  const entropies = (logits: tf.Tensor, options: object = {}): tf.Tensor2D => {
    const targets = tf.zeros([rows * width], "int32") as tf.Tensor1D;
    const { entropy } = tokenLogProbs(tf.reshape(logits, [rows * width, vocabulary]), tf.eye(vocabulary), targets, { entropy: "differentiable", ...options });
    return scatterTo(entropy!, everyToken, [rows, width]);
  };

  test("of each token", () => {
    expect(maxDifference(entropies(tf.tensor(inputs.logits)).dataSync(), token_entropy.flat())).toBeLessThan(1e-5);
  });

  const computed = casesOn(backend, cases.map((c, i) => [`${i + 1} of ${cases.length}: ${c.loss_agg_mode}`, c] as const), ([, c]) => c.loss_agg_mode === "token-mean");

  test.each(computed)("case %s", (_, { loss_agg_mode, loss, grad_logits }) => {
    const totals = { tokens: mask.flat().reduce((a, b) => a + b, 0), rows: mask.filter((row) => row.includes(1)).length, maxTokens: width };
    for (const chunkNumbers of [1000, 7 * vocabulary]) {
      const of = (logits: tf.Tensor): tf.Scalar => aggregate(entropies(logits, { chunkNumbers }), tf.tensor2d(mask), loss_agg_mode, totals);
      const { value, gradient } = valueAndGradient(of, tf.tensor(inputs.logits));
      expect(Math.abs(value - loss)).toBeLessThan(1e-5);
      expect(maxDifference(gradient, grad_logits.flat(2))).toBeLessThan(1e-5);
    }
  });
});
