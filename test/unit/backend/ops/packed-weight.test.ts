import { beforeAll, expect, test } from "vitest";
import { hasKernels, joinPanels, outputAxis, overwriteRows, packComposed, packedProduct, packWeight, selectBackend, tf, type PackOptions } from "@verlet/backend";
import { describeOnBackends } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { describeNative } from "../../../helpers/native.js";
import { expectNoLeak, randomTensor } from "../../../helpers/tensors.js";

describeOnBackends("packed weights", (name) => {
  const onProcessor = (): boolean => name === "native" && !(tf.backend() as unknown as { isUsingGpuDevice: boolean }).isUsingGpuDevice;

  // the last number is the rank of a weight on a processor under TensorFlow, where it may lie in panels
  test.each([[64, 24, 1, 3], [33, 24, 1, 2], [1024, 300, 1, 3], [1024, 300, 2, 3], [1056, 300, 2, 2], [1001, 300, 1, 2]])("%i × %i in %i parts: x·Wᵀ, and its parts", (out, width, parts, rank) => {
    tf.tidy(() => {
      const [x, weight] = [randomTensor<tf.Rank.R2>([5, width], 1), tf.div<tf.Tensor2D>(randomTensor<tf.Rank.R2>([out, width], 2), Math.sqrt(width))];
      const expected: tf.Tensor2D = tf.matMul(x, weight, false, true);
      const packed = packWeight(weight, { parts });
      expect(packed.full!.rank).toBe(onProcessor() ? rank : 2);
      const product = packedProduct(x, packed);
      expect(product.rank).toBe(onProcessor() && !hasKernels() ? rank : 2);
      expect(joinPanels(product).shape).toEqual([5, out]);
      expect(maxDifference(joinPanels(product).dataSync(), expected.dataSync())).toBeLessThan(1e-5);
      if (out % parts !== 0) return;
      const expectedParts = tf.split(expected, parts, 1);
      tf.split(product, parts, outputAxis(product)).forEach((part, i) => expect(maxDifference(joinPanels(part).dataSync(), expectedParts[i]!.dataSync())).toBeLessThan(1e-5));
    });
  });

  test("a product of very many rows", () => {
    tf.tidy(() => {
      const [x, weight] = [randomTensor<tf.Rank.R2>([2 ** 15 + 1, 32], 1), randomTensor<tf.Rank.R2>([64, 32], 2)];
      expect(maxDifference(joinPanels(packedProduct(x, packWeight(weight))).dataSync(), tf.matMul(x, weight, false, true).dataSync())).toBeLessThan(5e-5); // sums of 32 products of N(0, 1)
    });
  });

  test("several weights with a scale for the first, behind a norm: as multiplied together before", () => {
    tf.tidy(() => {
      const [a, b, norm, x] = [randomTensor<tf.Rank.R2>([64, 24], 1), randomTensor<tf.Rank.R2>([32, 24], 2), randomTensor<tf.Rank.R1>([24], 3), randomTensor<tf.Rank.R2>([5, 24], 4)];
      const whole = tf.concat([tf.mul<tf.Tensor2D>(a, 0.3), b]);
      const expected = tf.matMul(tf.mul<tf.Tensor2D>(x, tf.mul(norm, Math.sqrt(24))), whole, false, true);
      expect(maxDifference(joinPanels(packedProduct(x, packWeight([a, b], { norm, scale: 0.3 }))).dataSync(), expected.dataSync())).toBeLessThan(2e-5);
    });
  });

  test("leave no tensor behind", async () => {
    const [x, weight] = [randomTensor<tf.Rank.R2>([5, 24], 1), randomTensor<tf.Rank.R2>([64, 24], 2)];
    await expectNoLeak(() => {
      const packed = packWeight(weight);
      tf.tidy(() => void packedProduct(x, packed));
      tf.dispose(packed.full);
    });
    tf.dispose([x, weight]);
  });
});

describeNative("on the native backend", () => {
  beforeAll(async () => void (await selectBackend("native")));

  const rounded = (t: tf.Tensor): tf.Tensor2D => tf.tensor2d(Float32Array.from(t.dataSync(), toBfloat16), t.shape as [number, number]);

  test.each([40, 6])("%i outputs in bfloat16: operands and result rounded to 8 bits, half the memory", (out) => {
    tf.tidy(() => {
      const [x, weight] = [randomTensor<tf.Rank.R2>([5, 24], 1), randomTensor<tf.Rank.R2>([out, 24], 2)];
      const packed = packWeight(weight, { dtype: "bfloat16" });
      expect(packed.full).toBeUndefined();
      expect(packed.half!.shape).toEqual([out, 12]);
      const expected = rounded(tf.matMul(rounded(x), rounded(weight), false, true)).dataSync();
      const got = joinPanels(packedProduct(x, packed)).dataSync();
      // a sum in another order may round to the neighbouring bfloat16, 2⁻⁷ away
      got.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(2 ** -7 * Math.abs(expected[i]!)));
    });
  });

  test.each([[64, 1, 5], [32, 1, 1], [128, 2, 70]])("%i outputs in bfloat16 in %i parts, in panels: the weight alone is rounded, half the memory", (out, parts, rows) => {
    tf.tidy(() => {
      const [x, weight] = [randomTensor<tf.Rank.R2>([rows, 23], 1), randomTensor<tf.Rank.R2>([out, 23], 2)];
      const packed = packWeight(weight, { parts, dtype: "bfloat16" });
      expect(packed.half!.shape).toEqual([out / 32, 23, 16]);
      const product = packedProduct(x, packed);
      expect(product.shape).toEqual([rows, out]);
      expect(maxDifference(product.dataSync(), tf.matMul(x, rounded(weight), false, true).dataSync())).toBeLessThan(1e-5);
    });
  });

  const forms: [number[], number, PackOptions][] = [
    [[64], 23, {}], [[64, 32, 32], 300, { scale: 0.125 }], [[96, 32], 130, { parts: 2 }], [[32], 1, { scale: 3 }], [[40, 24], 24, {}],
  ];
  test.each(forms.flatMap(([outs, width, options]) => (["float32", "bfloat16"] as const).flatMap((dtype) => [true, false].map((norm) => [outs, width, { ...options, dtype }, norm] as const))))(
    "weights of %j outputs and %i inputs laid out with %o, norm %s: to the bit as in plain ops",
    (outs, width, options, normed) => {
      tf.tidy(() => {
        const weights = outs.map((out, i) => randomTensor<tf.Rank.R2>([out, width], i));
        const all = { ...options, ...(normed && { norm: randomTensor<tf.Rank.R1>([width], 9) }) };
        const bits = ({ full, half }: ReturnType<typeof packWeight>): unknown => [(full ?? half)!.shape, [...new Int32Array(Float32Array.from((full ?? half)!.dataSync()).buffer)]];
        expect(bits(packWeight(weights, all))).toEqual(bits(packComposed(weights, all)));
      });
    },
  );

  test("what is not a number stays none in bfloat16, and infinities stay", () => {
    tf.tidy(() => {
      const numbers = new Float32Array(32).fill(1);
      numbers.set([NaN, Infinity, -Infinity, 3.4e38]);
      const product = packedProduct(tf.ones([1, 1]), packWeight(tf.tensor2d(numbers, [32, 1]), { dtype: "bfloat16" }));
      expect([...product.dataSync()].slice(0, 5)).toEqual([NaN, Infinity, -Infinity, Infinity, 1]);
    });
  });

  test("weights of different widths are an error, and the process lives", () => {
    expect(() => tf.tidy(() => void packWeight([tf.ones([32, 3]), tf.ones([32, 4])]))).toThrow(/weights are \[out, in\]/);
  });

  test("bfloat16 leaves no tensor behind", async () => {
    const [x, weight] = [randomTensor<tf.Rank.R2>([5, 24], 1), randomTensor<tf.Rank.R2>([64, 24], 2)];
    await expectNoLeak(() => tf.tidy(() => void packedProduct(x, packWeight(weight, { dtype: "bfloat16" }))));
    tf.dispose([x, weight]);
  });

  test("overwriteRows writes into the table's own memory", () => {
    tf.tidy(() => {
      const table = tf.zeros<tf.Rank.R3>([2, 3, 2]);
      const seen = overwriteRows(table, tf.tensor1d([1, 5], "int32"), tf.tensor2d([[1, 2], [3, 4]]));
      const expected = [0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4];
      expect(seen.shape).toEqual([2, 3, 2]);
      expect([...seen.dataSync()]).toEqual(expected);
      expect([...table.dataSync()]).toEqual(expected);
    });
  });
});

/** Rounds to nearest even. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const at = bits[0]!;
  bits[0] = (at + 0x7fff + ((at >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}
