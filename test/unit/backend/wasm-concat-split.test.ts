import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend, tf } from "@verlet/backend";

/** 0, 1, 2, … in the given shape. */
const counted = (shape: number[], dtype: "float32" | "int32" | "bool" = "float32"): tf.Tensor => {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(Array.from({ length: size }, (_, i) => (dtype === "bool" ? Number(i % 3 === 0) : i)), shape, dtype);
};

/** The same on the plain backend. */
async function onCpu<T>(compute: () => T): Promise<T> {
  await selectBackend("cpu");
  const result = compute();
  await selectBackend("wasm");
  return result;
}

describe("Concat and SplitV on wasm", () => {
  beforeAll(async () => void (await selectBackend("wasm")));

  test.each([
    [[[2, 3], [4, 3]], 0],
    [[[2, 3], [2, 1], [2, 5]], 1],
    [[[2, 3, 16], [2, 3, 16]], -1],
    [[[2, 2, 5, 40], [2, 2, 1, 40]], 2], // blocks long enough for bulk copies
    [[[3, 2], [0, 2], [1, 2]], 0],
  ])("concat of %j along %i", async (shapes, axis) => {
    const compute = (): number[] => tf.tidy(() => [...tf.concat(shapes.map((shape) => counted(shape)), axis).dataSync()]);
    expect(compute()).toEqual(await onCpu(compute));
  });

  test.each([
    [[6, 4], [1, 2, 3], 0],
    [[2, 9], [4, 5], 1],
    [[2, 3, 32], [16, 16], -1],
    [[2, 3, 70, 2], [1, 69], 2],
    [[4, 4], [1, -1], 1], // −1: the rest
  ])("split of %j into %j along %i", async (shape, sizes, axis) => {
    const compute = (): [number[], number[]][] => tf.tidy(() => tf.split(counted(shape), sizes, axis).map((piece) => [piece.shape, [...piece.dataSync()]]));
    expect(compute()).toEqual(await onCpu(compute));
  });

  test.each(["int32", "bool"] as const)("%s numbers keep their type", (dtype) => {
    const [a, b] = tf.tidy(() => {
      const [first, second] = tf.split(counted([2, 4], dtype), 2, 1);
      return [tf.concat([second!, first!], 1), first!];
    }) as [tf.Tensor, tf.Tensor];
    expect([a.dtype, b.dtype]).toEqual([dtype, dtype]);
    expect([...a.dataSync()]).toEqual(dtype === "int32" ? [2, 3, 0, 1, 6, 7, 4, 5] : [0, 1, 1, 0, 1, 0, 0, 0]);
    tf.dispose([a, b]);
  });

  test("strings still concatenate", () => {
    expect(tf.tidy(() => tf.concat([tf.tensor1d(["a"]), tf.tensor1d(["b", "c"])]).dataSync())).toEqual(["a", "b", "c"]);
  });

  test("unequal shapes are refused", () => {
    expect(() => tf.tidy(() => tf.concat([counted([2, 3]), counted([3, 3])], 1))).toThrow(/Shape/);
  });
});
