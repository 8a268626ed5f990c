import { gradientsOf, replayCounts, replayed, rawOp, scope, selectBackend, tf, useGraphs } from "@verlet/backend";
import { afterEach, beforeAll, expect, it } from "vitest";
import { describeOnBackends } from "../../../helpers/backends.js";
import { describeNative } from "../../../helpers/native.js";
import { randomTensor } from "../../../helpers/tensors.js";

/** A layer with a softmax, reductions, splits and host numbers of its own; `factor` reaches it through a closure. */
function layer(x: tf.Tensor2D, weight: tf.Tensor2D, factor: number): { y: tf.Tensor2D; halves: tf.Tensor[] } {
  const scores = tf.softmax(tf.mul(tf.matMul(x, weight), factor)); // [R, 6]
  const ids = tf.tensor1d(Int32Array.from({ length: x.shape[0] }, (_, i) => (i * 5) % x.shape[0]), "int32");
  const mixed = tf.gather(scores, ids);
  const y = tf.sub(mixed, tf.mean(mixed, 0, true)) as tf.Tensor2D;
  return { y, halves: tf.split(tf.reshape(tf.transpose(y), [2, -1]), 2, 0) };
}

const matrix = (rows: number, columns: number, seed: number): tf.Tensor2D => randomTensor<tf.Rank.R2>([rows, columns], seed);
const numbers = (...tensors: tf.Tensor[]): number[] => tensors.flatMap((t) => [...t.dataSync()]);

/** What `work` adds to the counts. */
function counting(work: () => void): ReturnType<typeof replayCounts> {
  const before = replayCounts();
  work();
  const after = replayCounts();
  return { replayed: after.replayed - before.replayed, recorded: after.recorded - before.recorded, singleOps: after.singleOps - before.singleOps };
}

describeOnBackends("replayed", () => {
  it("gives what the computation gives, time after time, whatever the shapes and the numbers in it", () => {
    const weight = matrix(4, 6, 1);
    for (const [rows, factor] of [[3, 1], [3, 0.5], [3, 2], [8, 2], [5, 0.25], [1, 1], [3, 1]] as const) {
      tf.tidy(() => {
        const x = matrix(rows, 4, rows);
        const [plain, result] = [layer(x, weight, factor), replayed(() => scope(() => layer(x, weight, factor)))];
        expect(result.halves.map(({ shape }) => shape)).toEqual(plain.halves.map(({ shape }) => shape));
        const expected = numbers(plain.y, ...plain.halves);
        numbers(result.y, ...result.halves).forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6));
      });
    }
    weight.dispose();
  });

  it("differentiates: the gradients of a loss inside are those outside", () => {
    const weight = tf.variable(matrix(4, 6, 2));
    const x = matrix(5, 4, 3);
    const loss = (): tf.Scalar => tf.sum(tf.square(layer(x, weight, 3).y));
    const plain = tf.variableGrads(loss, [weight]);
    for (let i = 0; i < 3; i++) {
      const { value, gradients } = gradientsOf(loss, [weight]);
      expect(numbers(value)[0]).toBeCloseTo(numbers(plain.value)[0]!, 5);
      numbers(gradients[0]!).forEach((g, k) => expect(Math.abs(g - numbers(Object.values(plain.grads)[0]!)[k]!)).toBeLessThan(1e-5));
      tf.dispose([value, ...gradients]);
    }
    tf.dispose([weight, x, plain.value, ...Object.values(plain.grads)]);
  });

  it("hands an error on and leaves everything in order", () => {
    const x = tf.tensor1d([1, 2]);
    const work = (fails: boolean): tf.Tensor => tf.tidy(() => {
      const y = tf.exp(x);
      if (fails) throw new Error("no");
      return tf.add(y, 1);
    });
    const expected = numbers(work(false));
    replayed(() => work(false)).dispose();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      expect(() => replayed(() => work(true))).toThrow("no");
      const result = replayed(() => work(false));
      expect(numbers(result)).toEqual(expected);
      result.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});

describeNative("replayed on the native backend", () => {
  beforeAll(async () => void (await selectBackend("native")));
  afterEach(() => useGraphs(true));

  it("computes a repeated computation by one function, bit for bit, also at other shapes", () => {
    const weight = matrix(4, 6, 1);
    const run = (rows: number): number[] => {
      const x = matrix(rows, 4, rows);
      const { y, halves } = replayed(() => scope(() => layer(x, weight, 0.7)));
      const result = numbers(y, ...halves);
      tf.dispose([x, y, ...halves]);
      return result;
    };
    run(6); // the weights are handed to TensorFlow
    const recorded = run(6);
    expect(counting(() => expect(run(6)).toEqual(recorded))).toEqual({ replayed: 1, recorded: 0, singleOps: 0 });
    expect(counting(() => void [2, 9, 17].map(run))).toEqual({ replayed: 3, recorded: 0, singleOps: 0 });
    weight.dispose();
  });

  it("takes the numbers of each call, not those it was recorded with", () => {
    const x = tf.tensor1d([1, 2, 3]);
    const work = (factor: number, shape: [number, number]): tf.Tensor => tf.tidy(() => tf.reshape(tf.concat([tf.mul(x, factor), tf.tensor1d([factor])]), shape));
    for (const [factor, shape] of [[2, [2, 2]], [3, [4, 1]], [5, [1, 4]]] as const) {
      const result = replayed(() => work(factor, [...shape]));
      expect([result.shape, numbers(result)]).toEqual([shape, [factor, 2 * factor, 3 * factor, factor]]);
      result.dispose();
    }
    x.dispose();
  });

  it("goes on op by op where the computation takes another course, and knows it the next time", () => {
    const x = tf.tensor1d([1, 4, 9]);
    const work = (root: boolean, twice: boolean): tf.Tensor => tf.tidy(() => {
      const start = tf.add(x, 1);
      const middle = root ? tf.sqrt(start) : tf.square(start);
      return twice ? tf.add(middle, start) : middle;
    });
    const courses = [[true, true], [false, true], [true, false], [false, false]] as const;
    const once = (): void => {
      for (const [root, twice] of courses) {
        const result = replayed(() => work(root, twice));
        const expected = [1, 4, 9].map((v) => (root ? Math.sqrt(v + 1) : (v + 1) ** 2) + (twice ? v + 1 : 0));
        numbers(result).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
        result.dispose();
      }
    };
    once();
    once(); // x is known to TensorFlow only now
    const before = tf.memory().numTensors;
    expect(counting(once)).toEqual({ replayed: 4, recorded: 0, singleOps: 0 });
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });

  it("stops at a value that is read, and goes on op by op", () => {
    const x = tf.tensor1d([1, 2, 3]);
    const work = (): tf.Tensor => tf.tidy(() => {
      const sum = tf.sum(tf.mul(x, 2));
      const read = sum.dataSync()[0]!;
      return tf.add(sum, read);
    });
    const results = Array.from({ length: 4 }, () => replayed(work));
    expect(results.map((r) => r.dataSync()[0])).toEqual([24, 24, 24, 24]);
    const counts = counting(() => results.push(replayed(work)));
    expect(counts.replayed).toBe(1);
    expect(counts.singleOps).toBe(1); // the last sum
    tf.dispose([x, ...results]);
  });

  it("keeps state out of its functions: an op that changes a variable of TensorFlow's runs by itself, in order", () => {
    const handle = rawOp("VarHandleOp", [], { types: { dtype: "float32" }, shapes: { shape: [] }, strings: { container: "", shared_name: "replayed.test" } })[0]!;
    rawOp("AssignVariableOp", [handle, tf.scalar(1)], { types: { dtype: "float32" }, outputs: 0 });
    const x = tf.scalar(2);
    const work = (): tf.Tensor => tf.tidy(() => {
      const sum = tf.add(x, 3);
      rawOp("AssignAddVariableOp", [handle, sum], { types: { dtype: "float32" }, outputs: 0 });
      return tf.mul(rawOp("ReadVariableOp", [handle], { types: { dtype: "float32" } })[0]!, 1);
    });
    const results = Array.from({ length: 4 }, () => replayed(work));
    expect(results.map((r) => r.dataSync()[0])).toEqual([6, 11, 16, 21]);
    rawOp("DestroyResourceOp", [handle], { bools: { ignore_lookup_error: true }, outputs: 0 });
    tf.dispose([handle, x, ...results]);
  });

  it("keeps tensors that outlive the computation, and no others", () => {
    const x = tf.tensor1d([1, 2]);
    let kept: tf.Tensor[] = [];
    const work = (): tf.Tensor => tf.tidy(() => {
      kept.push(tf.keep(tf.mul(x, 3)));
      return tf.exp(tf.add(x, kept.at(-1)!));
    });
    replayed(work).dispose();
    replayed(work).dispose();
    tf.dispose(kept);
    kept = [];
    const before = tf.memory().numTensors;
    replayed(work).dispose();
    expect(numbers(...kept)).toEqual([3, 6]);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose([x, ...kept]);
  });

  it("may be called within itself, and turned off", () => {
    const x = tf.tensor1d([1, 2]);
    const nested = (): tf.Tensor => replayed(() => tf.tidy(() => tf.add(replayed(() => tf.mul(x, 2)), 1)));
    for (let i = 0; i < 3; i++) tf.tidy(() => void expect(numbers(nested())).toEqual([3, 5]));
    useGraphs(false);
    expect(counting(() => tf.tidy(() => void expect(numbers(nested())).toEqual([3, 5])))).toEqual({ replayed: 0, recorded: 0, singleOps: 0 });
    x.dispose();
  });
});
