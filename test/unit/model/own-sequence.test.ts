/** Several sequences packed into a row are to the model what they are alone. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradientsOf, replayCounts, replayed, tf } from "@verlet/backend";
import { Rng, type TokenBatch } from "@verlet/core";
import { collate, segmentStarts } from "@verlet/data";
import { CausalLM, ValueModel, type LoraConfig } from "@verlet/model";
import { layoutOf, rotaryAt } from "../../../packages/model/dist/layout.js";
import { describeOnBackends, describeOnOneBackend } from "../../helpers/backends.js";
import { fixture, maxDifference, relativeL2 } from "../../helpers/fixtures.js";
import { describeNative } from "../../helpers/native.js";
import { expectNoLeak } from "../../helpers/tensors.js";

const lora: LoraConfig = { r: 4, alpha: 8, dropout: 0, targetModules: "all-linear", rslora: false, dora: false };
const families = ["llama", "qwen2", "qwen3", "qwen3-sharded"];
/** Tokens of the sequences in each packed row. */
const packing = [[7, 3, 5], [15], [2, 9]];

interface Case {
  tokens: TokenBatch;
  /** Every token but the first of each sequence, sequence by sequence. */
  positions: Int32Array;
}

const rng = new Rng(3);
const sequences = packing.map((row) => row.map((length) => Array.from({ length }, () => 5 + rng.below(330))));

const alone: Case = (() => {
  const rows = sequences.flat();
  const tokens = collate(rows, 0);
  return { tokens, positions: Int32Array.from(rows.flatMap((ids, row) => ids.slice(1).map((_, t) => row * tokens.width + t + 1))) };
})();

/** @param width of the row; the longest one's without it */
function packed(width = 15): Case {
  const rows = sequences.map((row) => ({ ids: row.flat(), lengths: row.map((ids) => ids.length) }));
  const ids = new Int32Array(rows.length * width);
  rows.forEach((row, i) => ids.set(row.ids, i * width));
  const tokens = { ids, lengths: Int32Array.from(rows, (row) => row.ids.length), rows: rows.length, width, starts: segmentStarts(rows, width) };
  const starts = tokens.starts;
  return { tokens, positions: Int32Array.from([...ids.keys()].filter((at) => at % width < tokens.lengths[Math.floor(at / width)]! && at % width > starts[at]!)) };
}

interface Result {
  logProbs: Float32Array;
  entropy: Float32Array;
  loss: number;
  gradients: Float32Array[];
}

function run(model: CausalLM, { tokens, positions }: Case): Result {
  let kept!: tf.Tensor1D[];
  const { value, gradients } = gradientsOf(() => {
    const { logProbs, entropy } = model.logProbs(tokens, { positions }, { temperature: 1, entropy: true });
    kept = [tf.keep(logProbs.clone()), tf.keep(entropy!.clone())];
    return tf.neg(tf.mean(logProbs)) as tf.Scalar;
  }, model.trainable.map(({ variable }) => variable));
  const numbers = (tensor: tf.Tensor): Float32Array => Float32Array.from(tensor.dataSync());
  const result = { logProbs: numbers(kept[0]!), entropy: numbers(kept[1]!), loss: value.dataSync()[0]!, gradients: gradients.map(numbers) };
  tf.dispose([value, ...gradients, ...kept]);
  return result;
}

function expectSame(got: Result, expected: Result): void {
  expect(maxDifference(got.logProbs, expected.logProbs)).toBeLessThan(1e-5);
  expect(maxDifference(got.entropy, expected.entropy)).toBeLessThan(1e-5);
  expect(Math.abs(got.loss - expected.loss)).toBeLessThan(1e-5);
  expected.gradients.forEach((gradient, i) => {
    expect(gradient.some((number) => number !== 0), `gradient ${i}`).toBe(true);
    expect(maxDifference(got.gradients[i]!, gradient), `gradient ${i}`).toBeLessThan(1e-5);
    expect(relativeL2(got.gradients[i]!, gradient), `gradient ${i}`).toBeLessThan(1e-4);
  });
}

/** A fresh adapter's B is zero, and with it A's gradient. */
function moved(model: CausalLM): CausalLM {
  const random = new Rng(8);
  for (const { variable } of model.trainable) tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(Float32Array.from({ length: variable.size }, () => 0.05 * random.normal()), variable.shape))));
  return model;
}

describeOnBackends("packed rows", () => {
  describe.each(families.flatMap((name) => [[name, "all weights"], [name, "an adapter"]] as const))("%s, %s", (name, what) => {
    let model: CausalLM;
    let expected: Result;
    beforeAll(async () => {
      model = what === "an adapter" ? moved(await CausalLM.load(fixture(`models/${name}`), { lora })) : await CausalLM.load(fixture(`models/${name}`));
      expected = run(model, alone);
    });
    afterAll(() => model.dispose());

    test("log-probs, entropies, loss and every gradient are those of rows of one sequence", () => {
      expectSame(run(model, packed()), expected);
    });

    test("with padding at the end of every row, and under gradient checkpointing", () => {
      model.setGradientCheckpointing(true);
      expectSame(run(model, packed(19)), expected);
      model.setGradientCheckpointing(false);
    });

    test("a sequence's numbers do not depend on its neighbours at all", () => {
      const { tokens, positions } = packed();
      const changed = { ...tokens, ids: tokens.ids.map((id, at) => (tokens.starts![at] === 7 ? id : 5 + ((id * 7) % 300))) };
      const [before, after] = [tokens, changed].map((batch) => run(model, { tokens: batch, positions }).logProbs);
      const middle = [...positions].map((at) => Number(at < 15 && tokens.starts![at] === 7));
      expect(middle.filter(Boolean)).toHaveLength(2);
      expect(maxDifference(after!, before!, middle)).toBe(0);
      expect(maxDifference(after!, before!)).toBeGreaterThan(0.1);
    });
  });
});

describeOnBackends("what packed rows are made of", () => {
  const starts = Int32Array.of(0, 0, 2, 2, /**/ 0, 0, 0, 3);

  test("angles are those of each token's place in its own sequence", () => {
    const [cos, signedSin] = [10, 20].map((from) => tf.tensor4d([from, 0, from + 1, 1, from + 2, 2, from + 3, 3], [1, 4, 1, 2])); // [1, T, 1, D]
    const { positions } = layoutOf({ ids: new Int32Array(8), lengths: Int32Array.of(4, 4), rows: 2, width: 4, starts });
    const own = rotaryAt(positions!, { cos: cos!, signedSin: signedSin! }, 4);
    expect(own.cos.shape).toEqual([2, 4, 1, 2]);
    expect([...own.cos.dataSync()]).toEqual([10, 0, 11, 1, 10, 0, 11, 1, /**/ 10, 0, 11, 1, 12, 2, 10, 0]);
    expect([...own.signedSin.dataSync()]).toEqual([20, 0, 21, 1, 20, 0, 21, 1, /**/ 20, 0, 21, 1, 22, 2, 20, 0]);
    tf.dispose([cos!, signedSin!, own.cos, own.signedSin]);
  });
});

describeOnOneBackend("packed rows", () => {
  test("a row of one sequence is a row without starts, bit for bit", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const starts = segmentStarts(sequences.flat().map((ids) => ({ ids })), alone.tokens.width);
    expect(run(model, { ...alone, tokens: { ...alone.tokens, starts } })).toEqual(run(model, alone));
    await expectNoLeak(() => run(model, packed()));
    model.dispose();
  });

  test("a value model gives the values of rows of one sequence", async () => {
    const model = await ValueModel.load(fixture("models/qwen3-reward"));
    const values = ({ tokens, positions }: Case): Float32Array => tf.tidy(() => model.values(tokens, { positions }).dataSync() as Float32Array);
    expect(maxDifference(values(packed()), values(alone))).toBeLessThan(1e-5);
    model.dispose();
  });
});

describeNative("packed rows as one TensorFlow function", () => {
  test("are replayed with other lengths of the sequences", async () => {
    const model = await CausalLM.load(fixture("models/qwen3"));
    const { tokens, positions } = packed();
    const others = { ...tokens, starts: segmentStarts([[5, 10], [4, 4, 7], [11]].map((lengths) => ({ ids: new Array<number>(lengths.reduce((a, b) => a + b)).fill(0), lengths })), 15) };
    const passes = [tokens, others, tokens, others];
    const logProbs = (batch: TokenBatch): Float32Array => tf.tidy(() => model.logProbs(batch, { positions }, { temperature: 1 }).logProbs.dataSync() as Float32Array);
    const expected = passes.map((batch) => Float32Array.from(logProbs(batch)));
    const before = replayCounts().replayed;
    const got = passes.map((batch) => {
      const result = replayed(() => tf.tidy(() => model.logProbs(batch, { positions }, { temperature: 1 }).logProbs));
      const numbers = Float32Array.from(result.dataSync());
      result.dispose();
      return numbers;
    });
    expect(replayCounts().replayed - before).toBe(3);
    got.forEach((numbers, i) => expect(maxDifference(numbers, expected[i]!)).toBeLessThan(1e-5));
    expect(maxDifference(got[0]!, got[1]!)).toBeGreaterThan(0.1);
    model.dispose();
  });
});
