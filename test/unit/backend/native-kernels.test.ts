import { selectBackend, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { beforeAll, expect, it } from "vitest";
import { maxDifference } from "../../helpers/fixtures.js";
import { describeNative } from "../../helpers/native.js";

const rng = new Rng(5);
const random = (shape: number[]): { values: Float32Array; shape: number[] } => ({
  values: Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => rng.normal()),
  shape,
});

async function onBackend(name: "native" | "cpu", compute: () => tf.Tensor): Promise<{ values: ArrayLike<number>; shape: number[]; dtype: string }> {
  await selectBackend(name);
  const out = tf.tidy(compute);
  const result = { values: out.dataSync(), shape: out.shape, dtype: out.dtype };
  out.dispose();
  return result;
}

async function expectSame(compute: () => tf.Tensor, tolerance = 0): Promise<void> {
  const native = await onBackend("native", compute);
  const cpu = await onBackend("cpu", compute);
  expect([native.shape, native.dtype]).toEqual([cpu.shape, cpu.dtype]);
  expect(maxDifference(native.values, cpu.values)).toBeLessThanOrEqual(tolerance);
}

describeNative("native against the plain backend", () => {
  it("matMul and its gradients", async () => {
    const [a, b] = [random([17, 33]), random([33, 9])];
    // float32 sums of 33 products of N(0, 1) numbers in another order: about 33 · 2^-24 · 4 < 1e-5.
    await expectSame(() => tf.matMul(tf.tensor2d(a.values, [17, 33]), tf.tensor2d(b.values, [33, 9])), 1e-5);
    await expectSame(() => tf.grad((x: tf.Tensor) => tf.sum(tf.matMul(x as tf.Tensor2D, tf.tensor2d(b.values, [33, 9]))))(tf.tensor(a.values, a.shape)), 1e-5);
  });

  it.each([
    ["rows", [6, 4], [0, 5, 5, 2], 0],
    ["columns", [6, 4], [3, 0], 1],
    ["the last axis, counted from the end", [2, 3, 4], [1, 1, 3], -1],
    ["one index", [6], [4], 0],
  ])("gather of %s", async (_, shape, indices, axis) => {
    const x = random(shape);
    await expectSame(() => tf.gather(tf.tensor(x.values, shape), tf.tensor1d(indices, "int32"), axis));
  });

  it("gather with batch dimensions, of whole numbers and of booleans", async () => {
    const x = random([3, 4, 2]);
    const indices = (): tf.Tensor2D => tf.tensor2d([0, 3, 1, 1, 2, 0], [3, 2], "int32");
    await expectSame(() => tf.gather(tf.tensor(x.values, x.shape), indices(), 1, 1));
    await expectSame(() => tf.gather(tf.tensor1d([7, 8, 9], "int32"), tf.tensor1d([2, 0], "int32")));
    await expectSame(() => tf.gather(tf.tensor1d([true, false, true], "bool"), tf.tensor1d([2, 1], "int32")));
  });

  it("gradient of a gather with repeated rows", async () => {
    const x = random([5, 3]);
    await expectSame(() => tf.grad((t: tf.Tensor) => tf.sum(tf.square(tf.gather(t, tf.tensor1d([4, 0, 4], "int32")))))(tf.tensor(x.values, x.shape)), 1e-6);
  });
});

describeNative("gather on native", () => {
  beforeAll(async () => void (await selectBackend("native")));

  it("names an index that is out of range", () => {
    expect(() => tf.tidy(() => tf.gather(tf.zeros([3, 2]), tf.tensor1d([0, 3], "int32")).dataSync())).toThrow(/indices\[1\] = 3 is not in \[0, 3\)/);
  });

  it("does not read its indices back and leaves nothing behind", () => {
    const backend = tf.backend() as unknown as { readSync(id: object): unknown; getNumOfTFTensors(): number };
    const readSync = backend.readSync.bind(backend);
    let reads = 0;
    backend.readSync = (id) => {
      reads++;
      return readSync(id);
    };
    const indices = tf.tensor1d([1, 0], "int32");
    const table = tf.ones([2, 2]);
    const round = (): void => tf.gather(table, indices).dispose();
    round();
    const before = backend.getNumOfTFTensors();
    for (let i = 0; i < 5; i++) round();
    expect(reads).toBe(0);
    expect(backend.getNumOfTFTensors()).toBe(before);
    backend.readSync = readSync;
    tf.dispose([indices, table]);
  });
});
