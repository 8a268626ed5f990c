import { expect, test } from "vitest";
import { dropoutMask, fusedOp, gradientsOf, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { describeOnBackendsAndWebgpu } from "../../../helpers/backends.js";
import { expectNoLeak } from "../../../helpers/tensors.js";

/** a·b with a record of the gradients that were computed. */
const product = (a: tf.Tensor, b: tf.Tensor, computed: string[]): tf.Tensor =>
  fusedOp(
    [a, b],
    (save) => {
      save([a, b]);
      return tf.mul(a, b);
    },
    (dy, [savedA, savedB]) => [
      () => (computed.push("a"), tf.mul(dy, savedB!)),
      () => (computed.push("b"), tf.mul(dy, savedA!)),
    ],
  );

await describeOnBackendsAndWebgpu("fusedOp", () => {
  test("calls only the thunks of inputs that lead to a wanted variable", () => {
    const [a, b] = [tf.variable(tf.tensor1d([2, 3])), tf.variable(tf.tensor1d([5, 7]))];
    const computed: string[] = [];
    const { gradients } = gradientsOf(() => tf.sum(product(tf.square(a!), b!, computed)), [a!]);
    expect([...gradients[0]!.dataSync()]).toEqual([20, 42]); // 2·a·b
    expect(computed).toEqual(["a"]);
    tf.dispose([a!, b!]);
  });

  test("the inner ops stay off the tape: a wrong backward is what the gradient shows", () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const { gradients } = gradientsOf(() => tf.sum(fusedOp([x], () => tf.square(x), (dy) => [() => tf.mul(dy, 10)])), [x]);
    expect([...gradients[0]!.dataSync()]).toEqual([10, 10]);
    x.dispose();
  });
});

await describeOnBackendsAndWebgpu("gradientsOf", () => {
  test("gives the value, and gradients in the order of the variables; one that is not used gets zeros", () => {
    const [used, unused] = [tf.variable(tf.tensor1d([3])), tf.variable(tf.tensor2d([[1, 2]]))];
    const { value, gradients } = gradientsOf(() => tf.sum(tf.square(used!)), [unused!, used!]);
    expect(value.dataSync()[0]).toBe(9);
    expect(gradients.map((g) => g.arraySync())).toEqual([[[0, 0]], [6]]);
    tf.dispose([used!, unused!]);
  });

  test("no variable is used at all: zeros for each", () => {
    const unused = tf.variable(tf.tensor1d([1, 2]));
    const { gradients } = gradientsOf(() => tf.scalar(4), [unused]);
    expect([...gradients[0]!.dataSync()]).toEqual([0, 0]);
    unused.dispose();
  });

  test("a variable used twice gets the sum", () => {
    const x = tf.variable(tf.tensor1d([3]));
    const { gradients } = gradientsOf(() => tf.sum(tf.add(tf.square(x), tf.mul(x, 5))), [x]);
    expect([...gradients[0]!.dataSync()]).toEqual([11]); // 2·3 + 5
    x.dispose();
  });

  test("the caller owns the results and nothing else stays", async () => {
    const [a, b] = [tf.variable(tf.tensor1d([2, 3])), tf.variable(tf.tensor1d([5, 7]))];
    await expectNoLeak(() => {
      const { value, gradients } = gradientsOf(() => tf.sum(product(tf.square(a!), b!, [])), [a!, b!]);
      tf.dispose([value, gradients]);
    });
    tf.dispose([a!, b!]);
  });
});

const COUNT = 40_000;
const draw = (rate: number, seed: number): Float32Array => tf.tidy(() => dropoutMask([200, COUNT / 200], rate, new Rng(seed)).dataSync()) as Float32Array;

await describeOnBackendsAndWebgpu("dropoutMask", () => {
  test.each([0.05, 0.3, 0.5, 0.9])("rate %d: that share is 0, the rest 1 / (1 − rate), and the mean stays 1", (rate) => {
    const mask = draw(rate, 7);
    const dropped = mask.filter((x) => x === 0).length / COUNT;
    const deviation = Math.sqrt((rate * (1 - rate)) / COUNT); // of the share, binomial
    expect(Math.abs(dropped - rate)).toBeLessThan(4 * deviation);
    expect(mask.every((x) => x === 0 || Math.abs(x - 1 / (1 - rate)) < 1e-5)).toBe(true);
    expect(Math.abs(mask.reduce((a, b) => a + b, 0) / COUNT - 1)).toBeLessThan((4 * deviation) / (1 - rate));
  });

  test("rate 0 keeps everything", () => {
    expect(draw(0, 1).every((x) => x === 1)).toBe(true);
  });

  test("the same stream gives the same mask; another seed, or the stream's next word, gives another", () => {
    expect(draw(0.5, 3)).toEqual(draw(0.5, 3));
    const same = (a: Float32Array, b: Float32Array): number => a.filter((x, i) => x === b[i]).length / COUNT;
    const rng = new Rng(3);
    const [first, second] = [0, 1].map(() => tf.tidy(() => dropoutMask([200, COUNT / 200], 0.5, rng)).dataSync() as Float32Array);
    expect(first).toEqual(draw(0.5, 3));
    // independent masks of rate 0.5 agree on half of their entries, give or take 4·0.5/√N = 0.01
    expect(Math.abs(same(first!, second!) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(same(first!, draw(0.5, 4)) - 0.5)).toBeLessThan(0.01);
  });

  test("takes one word of the stream whatever the shape", () => {
    const rng = new Rng(9);
    tf.tidy(() => dropoutMask([3, 5], 0.1, rng));
    const expected = new Rng(9);
    expected.next();
    expect(rng.next()).toBe(expected.next());
  });
});
