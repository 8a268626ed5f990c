/** Matrix products in bfloat16: 8 significant bits a number, summed in float32, as torch's autocast computes. */
import { beforeAll, describe, expect, it } from "vitest";
import { computeIn, gradientsOf, hasProducts, linear, multiply, selectBackend, tf } from "@verlet/backend";
import { CausalLM } from "@verlet/model";
import { useBackend } from "../../helpers/backends.js";
import { Arrays, fixture, readJson, relativeL2 } from "../../helpers/fixtures.js";
import { fixtureBatch, logProbErrors, lossAndGradients } from "../../helpers/model-batches.js";
import { describeNative } from "../../helpers/native.js";
import { expectNoLeak, randomTensor } from "../../helpers/tensors.js";

/** The nearest number of 8 significant bits, ties to even. */
function rounded(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  return new Float32Array(new Uint32Array([(bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000]).buffer)[0]!;
}

/** Two roundings of the operands, and where TensorFlow takes the product one of the result, each by at most 2⁻⁹ of the number. */
const PRODUCT = 2 ** -7;

/** A product as bfloat16 arithmetic gives it: the operands are rounded, and the result where it is TensorFlow's. */
function expectedProduct(a: tf.Tensor2D, b: tf.Tensor2D, transposeA = false, transposeB = false): tf.Tensor2D {
  const plain = (t: tf.Tensor2D): tf.Tensor2D => tf.tensor2d(t.dataSync().map(rounded), t.shape);
  const product: tf.Tensor2D = tf.matMul(plain(a), plain(b), transposeA, transposeB);
  return hasProducts("bfloat16") ? product : plain(product);
}

/** A sum may end on either side of a tie, and in another order. */
function expectSameProduct(got: ArrayLike<number>, expected: tf.Tensor2D): void {
  const bound = hasProducts("bfloat16") ? 2 ** -20 : 2 ** -8;
  const largest = Math.max(...expected.dataSync().map(Math.abs));
  expected.dataSync().forEach((value, i) => expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(bound * largest));
  if (!hasProducts("bfloat16")) expect(Array.from(got).every((value) => rounded(value) === value)).toBe(true);
}

describeNative("bfloat16 products on the native backend", () => {
  beforeAll(async () => void (await selectBackend("native")));

  it.each([[false, false], [false, true], [true, false]])("round operands, TensorFlow's the result, and nothing else (transposed: %s, %s)", (transposeA, transposeB) => {
    tf.tidy(() => {
      const a = randomTensor<tf.Rank.R2>(transposeA ? [5, 3] : [3, 5], 1);
      const b = randomTensor<tf.Rank.R2>(transposeB ? [4, 5] : [5, 4], 2);
      expectSameProduct(computeIn("bfloat16", () => multiply(a, b, transposeA, transposeB)).dataSync(), expectedProduct(a, b, transposeA, transposeB));
    });
  });

  it("are those of the scope alone: outside, and in the gradient of what was computed outside, products are float32", () => {
    const x = randomTensor<tf.Rank.R2>([4, 6], 3);
    const w = tf.variable(randomTensor<tf.Rank.R2>([5, 6], 4));
    const slope = (dtype: "float32" | "bfloat16"): number[] => {
      const { value, gradients } = gradientsOf(() => tf.sum(tf.square(computeIn(dtype, () => linear(x, w as tf.Tensor2D)))), [w]);
      const numbers = [...gradients[0]!.dataSync()];
      tf.dispose([value, ...gradients]);
      return numbers;
    };
    const exact = slope("float32");
    const half = slope("bfloat16");
    expect(slope("float32")).toEqual(exact);
    tf.tidy(() => expectSameProduct(half, expectedProduct(tf.mul(2, expectedProduct(x, w as tf.Tensor2D, false, true)), x, true))); // the gradient's own product as well
    expect(relativeL2(half, exact)).toBeLessThan(2 * PRODUCT);
    expect(half).not.toEqual(exact);
    tf.dispose([x, w]);
  });

  it("leave no tensor behind", async () => {
    const a = randomTensor<tf.Rank.R3>([2, 3, 4], 5);
    await expectNoLeak(() => tf.tidy(() => void computeIn("bfloat16", () => multiply(a, a, false, true))));
    a.dispose();
  });

  // Errors of products add up over the layers, and small gradients are differences of large numbers: up to 6.4 % was measured on one.
  describe.each(["qwen3", "qwen2", "llama"])("%s", (name) => {
    it("has log-probs within 0.1, a loss within 1 % and gradients near the golden float32 ones", async () => {
      const arrays = await Arrays.read(`models/${name}/expected.safetensors`);
      const batch = fixtureBatch(arrays, "right.");
      const expected = readJson<Record<string, { loss: number; grad_global_norm: number }>>(`models/${name}/expected.json`)["right"]!;
      const [half, exact] = [await CausalLM.load(fixture(`models/${name}`), { computeDtype: "bfloat16" }), await CausalLM.load(fixture(`models/${name}`))];
      const errors = logProbErrors(half, arrays, "right", batch);
      expect(Math.max(errors.logProbs, errors.entropy)).toBeLessThan(0.1); // 0.072 of the worst token
      const [got, float] = [lossAndGradients(half, batch), lossAndGradients(exact, batch)];
      expect(Math.abs(got.loss / expected.loss - 1)).toBeLessThan(0.01);
      expect(Math.abs(got.globalNorm / expected.grad_global_norm - 1)).toBeLessThan(0.05);
      for (const [parameter, gradient] of got.gradients) expect(relativeL2(gradient, float.gradients.get(parameter)!), parameter).toBeLessThan(0.1);
      expect(got.loss).not.toBe(float.loss);
      half.dispose();
      exact.dispose();
    });
  });
});

describe("bfloat16 where the backend has no such numbers", () => {
  it("is refused with the way out", async () => {
    await useBackend("wasm");
    await expect(CausalLM.load(fixture("models/qwen3"), { computeDtype: "bfloat16" })).rejects.toThrow(
      "[model.computeDtype] no such arithmetic on this backend: got bfloat16 on wasm, expected bfloat16 on native, or float32. Run `npx verlet setup` and choose `backend: native`, or leave the key out.",
    );
  });
});
