import { expect } from "vitest";
import { tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { maxDifference } from "./fixtures.js";

/** Standard normal numbers, the same for the same seed on every backend. */
export function randomTensor<R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number): tf.Tensor<R> {
  const rng = new Rng(seed);
  const count = (shape as number[]).reduce((a, b) => a * b, 1);
  return tf.tensor(Float32Array.from({ length: count }, () => rng.normal()), shape);
}

type Forward = (...inputs: tf.Tensor[]) => tf.Tensor;

/** The output, and the gradient of Σ output · w with respect to every input, w being fixed random weights. */
export function outputAndGradients(forward: Forward, inputs: readonly tf.Tensor[], seed = 99): { output: number[]; gradients: number[][] } {
  return tf.tidy(() => {
    const output = forward(...inputs);
    const weights = randomTensor(output.shape as [number], seed);
    const loss = (...xs: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(forward(...xs), weights));
    const gradients = tf.grads(loss)([...inputs]);
    return { output: [...output.dataSync()], gradients: gradients.map((g) => [...g.dataSync()]) };
  }) as unknown as { output: number[]; gradients: number[][] };
}

/** Asserts that two forms of one function agree, forward and in every gradient. */
export function expectSameFunction(fused: Forward, plain: Forward, inputs: readonly tf.Tensor[], tolerance = 1e-5): void {
  const got = outputAndGradients(fused, inputs);
  const expected = outputAndGradients(plain, inputs);
  expect(maxDifference(got.output, expected.output), "output").toBeLessThan(tolerance);
  expected.gradients.forEach((gradient, i) => {
    expect(Math.max(...gradient.map(Math.abs)), `gradient ${i} must not be zero throughout`).toBeGreaterThan(0);
    expect(maxDifference(got.gradients[i]!, gradient), `gradient ${i}`).toBeLessThan(tolerance);
  });
}

/** Asserts that `work` leaves no tensor behind: as many after three more runs as after the first. */
export async function expectNoLeak(work: () => unknown): Promise<void> {
  await work();
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) await work();
  expect(tf.memory().numTensors).toBe(before);
}
