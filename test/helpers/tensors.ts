import { expect } from "vitest";
import { gradientsOf, isNative, replayCounts, tf } from "@verlet/backend";
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

/** What `pass` gives once it runs as one graph, where the backend makes graphs: the first time hands tensors over, the second is recorded. */
export function replayedResult<T>(pass: () => T): T {
  for (let tries = 0; tries < 4; tries++) {
    const { recorded } = replayCounts();
    const result = pass();
    if (replayCounts().recorded === recorded) return result;
  }
  throw new Error("recorded each time: its steps are not the same from one time to the next");
}

/** A scalar function and its gradient as a training step computes them. */
export function valueAndGradient(of: (x: tf.Tensor) => tf.Scalar, at: tf.Tensor): { value: number; gradient: number[] } {
  const variable = tf.variable(at);
  const result = replayedResult(() => {
    const { value, gradients } = gradientsOf(() => of(variable), [variable]);
    const numbers = { value: value.dataSync()[0]!, gradient: [...gradients[0]!.dataSync()] };
    tf.dispose([value, gradients]);
    return numbers;
  });
  variable.dispose();
  return result;
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

/** How many matrix products a computation takes: on native among the ops by their names, elsewhere among the kernels. */
export async function productsOf(compute: () => void): Promise<number> {
  const isProduct = (name: string): boolean => /MatMul|Verlet(Adapted)?Product/.test(name);
  if (!isNative()) {
    const { kernels } = await tf.profile(() => {
      compute();
      return tf.scalar(0);
    });
    return kernels.filter(({ name }) => isProduct(name)).length;
  }
  const backend = tf.backend() as unknown as { executeSingleOutput(name: string, ...rest: unknown[]): tf.Tensor };
  const before = backend.executeSingleOutput;
  let count = 0;
  backend.executeSingleOutput = function (name, ...rest) {
    count += Number(isProduct(name));
    return before.call(this, name, ...rest);
  };
  try {
    compute();
  } finally {
    backend.executeSingleOutput = before;
  }
  return count;
}
