import { selectBackend, tf } from "@verlet/backend";
import { beforeAll, expect, it } from "vitest";
import { describeNative } from "../../helpers/native.js";

describeNative("tfjs's records of data on the native backend", () => {
  beforeAll(async () => void (await selectBackend("native")));

  const counts = (): number[] => {
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    return [numTensors, numDataBuffers, numBytes, tf.backend().numDataIds()];
  };

  it("counts tensors, shared data and bytes as tfjs does", () => {
    const before = counts();
    const x = tf.tensor1d([1, 2, 3]);
    const again = tf.clone(x);
    expect(counts().map((count, i) => count - before[i]!)).toEqual([2, 1, 24, 1]);
    expect(tf.backend().refCount(x.dataId)).toBe(2);
    x.dispose();
    expect([...again.dataSync()]).toEqual([1, 2, 3]);
    again.dispose();
    expect(counts()).toEqual(before);
    expect(() => again.dataSync()).toThrow(/disposed/);
  });

  it("takes over tensors of another backend, and gives its own away", async () => {
    await tf.setBackend("cpu");
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend("tensorflow");
    const before = counts();
    const sum = tf.add(x, 1);
    expect([...sum.dataSync()]).toEqual([2, 3, 4]);
    await tf.setBackend("cpu");
    const product = tf.mul(sum, x);
    expect([...product.dataSync()]).toEqual([2, 6, 12]);
    tf.dispose([x, sum, product]);
    await tf.setBackend("tensorflow");
    expect(counts()[3]).toBe(before[3]);
  });
});
