import { describe, expect, test } from "vitest";
import { Bfloat16Weight, canFreeze, checkFrozenFormat, freeze, frozenLinear, gradientsOf, linear, NF4_LEVELS, selectBackend, tf, tokenLogProbs, type FrozenFormat } from "@verlet/backend";
import { useBackend } from "../../../helpers/backends.js";
import { maxDifference, relativeL2 } from "../../../helpers/fixtures.js";
import { describeNative } from "../../../helpers/native.js";
import { expectNoLeak, randomTensor } from "../../../helpers/tensors.js";

const formats: FrozenFormat[] = ["bfloat16", "int8", "int4"];
const numbers = (tensor: tf.Tensor): Float32Array => Float32Array.from(tensor.dataSync());

describeNative("frozen weights", () => {
  test.each(formats)("%s: rounds as it says, and takes the memory that it says", async (format) => {
    await useBackend("native");
    const weight = randomTensor([6, 128], 1) as tf.Tensor2D;
    const frozen = freeze(weight, format);
    const dense = frozen.dense();
    expect(frozen.shape).toEqual([6, 128]);
    expect(frozen.bytes).toBe({ bfloat16: 6 * 128 * 2, int8: 6 * 128 + 6 * 4, int4: (6 * 128) / 2 + 6 * 2 * 4 }[format]);
    const [got, full] = [numbers(dense), numbers(weight)];
    for (let row = 0; row < 6; row++) {
      const at = row * 128;
      const largest = (from: number, count: number): number => Math.max(...full.subarray(from, from + count).map(Math.abs));
      for (let i = 0; i < 128; i++) {
        const x = full[at + i]!;
        if (format === "bfloat16") expect(got[at + i]).toBe(nearestBfloat16(x));
        if (format === "int8") expect(Math.abs(got[at + i]! - x)).toBeLessThanOrEqual((0.5001 * largest(at, 128)) / 127);
        if (format === "int4") {
          const scale = largest(at + 64 * Math.floor(i / 64), 64);
          const nearest = NF4_LEVELS.reduce((best, level) => (Math.abs(level - x / scale) < Math.abs(best - x / scale) ? level : best));
          expect(got[at + i]).toBeCloseTo(nearest * scale, 5);
        }
      }
    }
    frozen.dispose();
    tf.dispose([weight, dense]);
  });

  test.each(formats)("%s: what its numbers are, is kept exactly, zeros and whole rows of them too", async (format) => {
    await useBackend("native");
    const weight = tf.tidy(() => tf.concat([tf.zeros([1, 64]), tf.tensor2d(Array.from({ length: 64 }, (_, i) => 2 * NF4_LEVELS[i % 16]!), [1, 64])])) as tf.Tensor2D;
    const once = freeze(weight, format);
    const twice = freeze(tf.tidy(() => once.dense()), format);
    expect(numbers(twice.dense())).toEqual(numbers(once.dense()));
    expect(numbers(once.dense()).slice(0, 64)).toEqual(new Float32Array(64));
    if (format === "int4") expect(numbers(once.dense())).toEqual(numbers(weight));
    once.dispose();
    twice.dispose();
  });

  test("bfloat16: bytes of a file are taken as they are; rows are read by index and by range", async () => {
    await useBackend("native");
    const weight = randomTensor([5, 6], 3) as tf.Tensor2D;
    const halves = Uint16Array.from(numbers(weight), (x) => new Uint32Array(Float32Array.of(nearestBfloat16(x)).buffer)[0]! >>> 16);
    const bytes = new Uint8Array(halves.buffer);
    const table = Bfloat16Weight.ofBytes(bytes, [5, 6]);
    bytes.fill(0); // the buffer is the next tensor's
    const dense = numbers(table.dense());
    expect(dense).toEqual(numbers(weight).map(nearestBfloat16));
    expect(numbers(table.rows(1, 2))).toEqual(dense.slice(6, 18));
    expect(numbers(table.gather(tf.tensor1d([4, 0], "int32")))).toEqual(Float32Array.of(...dense.slice(24), ...dense.slice(0, 6)));
    table.dispose();
  });

  test.each(formats)("%s: a linear layer is that of its numbers, with the gradient of its input; nothing is left behind", async (format) => {
    await useBackend("native");
    const [x, bias] = [tf.variable(randomTensor([3, 64], 5)), randomTensor([8], 7) as tf.Tensor1D];
    const frozen = freeze(randomTensor([8, 64], 6) as tf.Tensor2D, format);
    const dense = frozen.dense();
    const pass = (layer: (x: tf.Tensor2D) => tf.Tensor2D): Float32Array[] => {
      const { value, gradients } = gradientsOf(() => tf.sum(tf.square(layer(x as unknown as tf.Tensor2D))), [x]);
      const results = [numbers(value), numbers(gradients[0]!)];
      tf.dispose([value, gradients]);
      return results;
    };
    expect(pass((input) => frozenLinear(input, frozen, bias))).toEqual(pass((input) => linear(input, dense, bias)));
    await expectNoLeak(() => pass((input) => frozenLinear(input, frozen, bias)));
    frozen.dispose();
    tf.dispose([x, bias, dense]);
  });

  test("log-probs of a frozen head are those of its numbers, whatever the chunks", async () => {
    await useBackend("native");
    const hidden = tf.variable(randomTensor([5, 8], 1));
    const head = freeze(randomTensor([13, 8], 2) as tf.Tensor2D, "bfloat16") as Bfloat16Weight;
    const dense = head.dense();
    const targets = tf.tensor1d([0, 12, 5, 5, 7], "int32");
    const pass = (table: tf.Tensor2D | Bfloat16Weight, chunkNumbers: number): Float32Array => {
      const { value, gradients } = gradientsOf(() => {
        const { logProbs, entropy } = tokenLogProbs(hidden as unknown as tf.Tensor2D, table, targets, { temperature: 0.7, entropy: "differentiable", chunkNumbers });
        return tf.add(tf.sum(tf.square(logProbs)), tf.sum(entropy!));
      }, [hidden]);
      const results = Float32Array.of(...value.dataSync(), ...gradients[0]!.dataSync());
      tf.dispose([value, gradients]);
      return results;
    };
    const expected = pass(dense, 1000);
    for (const chunkNumbers of [5, 20, 1000]) expect(maxDifference(pass(head, chunkNumbers), expected)).toBeLessThan(1e-5);
    // What is told beside the log-probs, in chunks and in one.
    const told = (table: tf.Tensor2D | Bfloat16Weight, chunkNumbers: number): number[][] => tf.tidy(() => {
      const { entropy, sumSquares, mostLikely } = tokenLogProbs(hidden as unknown as tf.Tensor2D, table, targets, { entropy: true, sumSquares: true, mostLikely: true, chunkNumbers });
      const results = [entropy!, sumSquares!, mostLikely!];
      const found = results.map((result) => [...result.dataSync()]);
      tf.dispose(results);
      return found as unknown as tf.TensorContainer;
    }) as unknown as number[][];
    const [entropies, squares, hits] = told(dense, 1000);
    for (const chunkNumbers of [5, 20, 1000]) {
      const [own, ownSquares, ownHits] = told(head, chunkNumbers);
      expect(maxDifference(own!, entropies!)).toBeLessThan(1e-5);
      expect(maxDifference(ownSquares!, squares!)).toBeLessThan(1e-5);
      expect(ownHits).toEqual(hits);
    }
    await expectNoLeak(() => pass(head, 20));
    head.dispose();
    tf.dispose([hidden, dense, targets]);
  });

  test("4 bits keep a normal weight's direction to a tenth, 8 bits to a hundredth", async () => {
    await useBackend("native");
    const weight = randomTensor([64, 256], 9) as tf.Tensor2D;
    const error = (format: FrozenFormat): number => {
      const frozen = freeze(weight, format);
      const result = relativeL2(numbers(frozen.dense()), numbers(weight));
      frozen.dispose();
      return result;
    };
    expect(error("int4")).toBeLessThan(0.1);
    expect(error("int8")).toBeLessThan(0.01);
    expect(error("bfloat16")).toBeLessThan(0.002);
  });
});

describe("frozen formats", () => {
  test("need rows of whole elements and blocks", () => {
    expect([3, 4, 6, 64].map((width) => formats.filter((format) => canFreeze([5, width], format)))).toEqual([[], ["bfloat16", "int8"], ["bfloat16"], formats]);
  });

  test("need the native backend", async () => {
    await selectBackend("wasm");
    expect(() => checkFrozenFormat("int8", "model.baseDtype")).toThrow("[model.baseDtype] this backend keeps weights as float32 alone: got int8 on wasm, expected float32, or the native backend.");
  });
});

/** Rounded to nearest even on the upper 16 bits. */
function nearestBfloat16(x: number): number {
  const [bits] = new Uint32Array(Float32Array.of(x).buffer);
  return new Float32Array(Uint32Array.of(((bits! + 0x7fff + ((bits! >>> 16) & 1)) & 0xffff0000) >>> 0).buffer)[0]!;
}
