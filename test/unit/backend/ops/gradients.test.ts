import { expect, test } from "vitest";
import { checkpoint, computeDtype, computeIn, fusedOp, gatherRows, gradientsOf, linear, tf } from "@verlet/backend";
import { describeOnBackends, describeOnOneBackend } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { peakBytes } from "../../../helpers/peak-bytes.js";
import { expectNoLeak, randomTensor } from "../../../helpers/tensors.js";

const numbers = (tensors: readonly tf.Tensor[]): number[] => tensors.flatMap((tensor) => [...tensor.dataSync()]);

describeOnBackends("gradientsOf with a sum so far", () => {
  test("adds to it and uses it up; what the loss does not depend on stays as it was", async () => {
    const [x, unused] = [tf.variable(tf.tensor1d([3])), tf.variable(tf.tensor1d([1, 2]))];
    const total = [tf.tensor1d([10]), tf.tensor1d([5, 6])];
    const { value, gradients } = gradientsOf(() => tf.sum(tf.square(x)), [x, unused], total);
    expect(gradients.map((g) => g.arraySync())).toEqual([[16], [5, 6]]);
    expect(total[0]!.isDisposed).toBe(true);
    tf.dispose([value, gradients]);
    await expectNoLeak(() => {
      let sum: tf.Tensor[] | undefined;
      for (let i = 0; i < 3; i++) {
        const part = gradientsOf(() => tf.sum(tf.square(x)), [x, unused], sum);
        part.value.dispose();
        sum = part.gradients;
      }
      expect(sum!.map((g) => g.arraySync())).toEqual([[18], [0, 0]]);
      tf.dispose(sum);
    });
    tf.dispose([x, unused]);
  });

  test("a table that is gathered from and multiplied with, as a tied embedding, gets both gradients; equal rows add up", () => {
    const table = tf.variable(randomTensor([5, 4], 1));
    const ids = tf.tensor1d([3, 1, 3], "int32");
    const tied = (weight: tf.Tensor2D, gather: typeof gatherRows): tf.Scalar => tf.sum(tf.square(linear(gather(weight, ids), weight)));
    const { value, gradients } = gradientsOf(() => tied(table as tf.Tensor2D, gatherRows), [table]);
    const expected = tf.grad((w: tf.Tensor) => tied(w as tf.Tensor2D, (all, at) => tf.matMul(tf.oneHot(at, 5).cast("float32") as tf.Tensor2D, all)))(table);
    expect(maxDifference(numbers(gradients), numbers([expected]))).toBeLessThan(1e-5);
    tf.dispose([table, ids, value, gradients, expected]);
  });

  test("one tensor handed through as a gradient twice is freed once", async () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const through = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => fusedOp([a, b], () => tf.add(a, b), (dy) => [() => dy, () => dy]);
    await expectNoLeak(() => {
      const { value, gradients } = gradientsOf(() => tf.sum(through(x, through(x, x))), [x]);
      expect([...gradients[0]!.dataSync()]).toEqual([3, 3]);
      tf.dispose([value, gradients]);
    });
    x.dispose();
  });

  test("an error in the loss leaves no tensor of the pass behind", async () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    await expectNoLeak(() => {
      expect(() => gradientsOf(() => {
        tf.square(x);
        throw new Error("no loss");
      }, [x])).toThrow("no loss");
    });
    x.dispose();
  });
});

/** x ↦ x + relu(x·W)·W, eight times: wide inside and narrow between. */
const DEPTH = 8;
const block = (x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D => tf.tidy(() => tf.add(x, multiplied(tf.relu(linear(x, weight)), weight)));
const multiplied = (x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D => linear(x, tf.transpose(weight));

function chain(x: tf.Tensor2D, weights: readonly tf.Tensor2D[], checkpointed: boolean): tf.Scalar {
  return tf.sum(tf.square(weights.reduce((x, weight) => (checkpointed ? checkpoint<tf.Tensor2D>((x) => block(x, weight), { x, weights: [weight] }) : block(x, weight)), x)));
}

describeOnBackends("checkpoint", () => {
  const make = (): { x: tf.Tensor2D; weights: tf.Variable<tf.Rank.R2>[] } => ({
    x: randomTensor([16, 4], 1),
    weights: Array.from({ length: DEPTH }, (_, i) => tf.variable(tf.tidy(() => tf.mul(randomTensor([32, 4], 2 + i), 0.2))) as tf.Variable<tf.Rank.R2>),
  });

  test("gives the same value and gradients, of the input as well", () => {
    const { x, weights } = make();
    const input = tf.variable(x);
    const both = [false, true].map((on) => gradientsOf(() => chain(input as unknown as tf.Tensor2D, weights as unknown as tf.Tensor2D[], on), [input, ...weights]));
    expect(both[1]!.value.dataSync()).toEqual(both[0]!.value.dataSync());
    expect(maxDifference(numbers(both[1]!.gradients), numbers(both[0]!.gradients))).toBeLessThan(1e-6);
    tf.dispose([x, input, weights, both.map(({ value, gradients }) => [value, ...gradients])]);
  });

  test("holds one block's tensors at a time, and leaves none behind", async () => {
    const { x, weights } = make();
    const pass = (on: boolean) => (): void => {
      const { value, gradients } = gradientsOf(() => chain(x, weights as unknown as tf.Tensor2D[], on), weights);
      tf.dispose([value, gradients]);
    };
    const [kept, again] = [peakBytes(pass(false)), peakBytes(pass(true))];
    const wide = 16 * 32 * 4;
    expect(kept - again).toBeGreaterThan((DEPTH - 2) * wide);
    await expectNoLeak(pass(true));
    tf.dispose([x, weights]);
  });

  test("works inside tf.grads, whose tape it puts back", () => {
    const { x, weights } = make();
    const plain = tf.grads((...all) => chain(x, all as tf.Tensor2D[], false))(weights);
    const again = tf.grads((...all) => chain(x, all as tf.Tensor2D[], true))(weights);
    const largest = Math.max(...numbers(plain).map(Math.abs)); // 1.6e5; tfjs's backward pass rounds its sums at other places
    expect(maxDifference(numbers(again), numbers(plain)) / largest).toBeLessThan(1e-6);
    tf.dispose([x, weights, plain, again]);
  });

  test("without a gradient the block runs once", () => {
    let runs = 0;
    const x = randomTensor([2, 2], 1) as tf.Tensor2D;
    checkpoint<tf.Tensor2D>((each) => (runs++, tf.square(each)), { x, weights: [] }).dispose();
    expect(runs).toBe(1);
    x.dispose();
  });

  test("what the block reads besides may be gone by then: it gets it back", () => {
    const x = tf.variable(tf.tensor2d([[2]]));
    const { value, gradients } = gradientsOf(() => tf.tidy(() => {
      const constant = tf.scalar(5);
      return tf.sum(checkpoint<tf.Tensor2D>((each, [factor]) => tf.mul(tf.square(each), factor!), { x: x as unknown as tf.Tensor2D, weights: [], constants: [constant] }));
    }), [x]);
    expect([value.dataSync()[0], gradients[0]!.dataSync()[0]]).toEqual([20, 20]); // 5·x², 10·x
    tf.dispose([x, value, gradients]);
  });
});

describeOnOneBackend("checkpoint", () => {
  test("the second run computes in the format that the first one did", () => {
    const formats: string[] = [];
    const x = tf.variable(tf.tensor2d([[2]]));
    const watched = (each: tf.Tensor2D): tf.Tensor2D => (formats.push(computeDtype()), tf.square(each));
    const { value, gradients } = gradientsOf(() => computeIn("bfloat16", () => tf.sum(checkpoint(watched, { x: x as unknown as tf.Tensor2D, weights: [] }))), [x]);
    expect(formats).toEqual(["bfloat16", "bfloat16"]);
    expect(computeDtype()).toBe("float32");
    tf.dispose([x, value, gradients]);
  });
});
