import { expect, test } from "vitest";
import { gradientsOf, tf, tokenLogProbs } from "@verlet/backend";
import { describeOnBackends } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { expectNoLeak, expectSameFunction, outputAndGradients, randomTensor } from "../../../helpers/tensors.js";

const [COUNT, WIDTH, VOCABULARY] = [7, 5, 11];
const IDS = [0, 10, 3, 3, 7, 1, 10];
const hidden = (): tf.Tensor2D => randomTensor<tf.Rank.R2>([COUNT, WIDTH], 1);
const head = (): tf.Tensor2D => randomTensor<tf.Rank.R2>([VOCABULARY, WIDTH], 2);
const targets = (): tf.Tensor1D => tf.tensor1d(IDS, "int32");

const plain = (h: tf.Tensor2D, w: tf.Tensor2D, temperature: number): tf.Tensor => {
  const logProbs = tf.logSoftmax(tf.div(tf.matMul(h, w, false, true), temperature)); // [N, V]
  return tf.sum(tf.mul(logProbs, tf.cast(tf.oneHot(targets(), VOCABULARY), "float32")), 1);
};

describeOnBackends("tokenLogProbs", () => {
  test("by hand: logits [ln 1, ln 2, ln 5] give the second token ln(2/8)", () => {
    const head3 = tf.tensor2d([[Math.log(1)], [Math.log(2)], [Math.log(5)]]);
    const { logProbs, entropy } = tokenLogProbs(tf.tensor2d([[1]]), head3, tf.tensor1d([1], "int32"), { entropy: true });
    expect(logProbs.dataSync()[0]).toBeCloseTo(Math.log(0.25), 5);
    // H = −(1/8 ln 1/8 + 2/8 ln 2/8 + 5/8 ln 5/8)
    expect(entropy!.dataSync()[0]).toBeCloseTo(-(Math.log(1 / 8) / 8 + Math.log(2 / 8) / 4 + (5 / 8) * Math.log(5 / 8)), 5);
  });

  test.each([1, 0.7, 2.5])("temperature %d: equals logSoftmax, forward and gradients of hidden states and head", (temperature) => {
    expectSameFunction(
      (h, w) => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), { temperature }).logProbs,
      (h, w) => plain(h as tf.Tensor2D, w as tf.Tensor2D, temperature),
      [hidden(), head()],
    );
  });

  test.each([1, 2, 3, 6])("chunks of %i rows give what one chunk gives, in the gradients and the entropy too", (rows) => {
    const options = { temperature: 0.8, chunkNumbers: rows * VOCABULARY };
    expectSameFunction(
      (h, w) => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), options).logProbs,
      (h, w) => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), { temperature: 0.8 }).logProbs,
      [hidden(), head()],
    );
    const entropyOf = (o: object): ArrayLike<number> => tokenLogProbs(hidden(), head(), targets(), { temperature: 0.8, entropy: true, ...o }).entropy!.dataSync();
    expect(maxDifference(entropyOf(options), entropyOf({}))).toBeLessThan(1e-5);
  });

  test("a chunk smaller than one row of logits takes one row at a time", () => {
    const { logProbs } = tokenLogProbs(hidden(), head(), targets(), { chunkNumbers: 1 });
    expect(maxDifference(logProbs.dataSync(), plain(hidden(), head(), 1).dataSync())).toBeLessThan(1e-5);
  });

  test("entropy is −Σ p ln p at the temperature, and nothing flows back through it", () => {
    const temperature = 0.7;
    const { entropy } = tokenLogProbs(hidden(), head(), targets(), { temperature, entropy: true });
    const logProbs = tf.logSoftmax(tf.div(tf.matMul(hidden(), head(), false, true), temperature));
    expect(maxDifference(entropy!.dataSync(), tf.neg(tf.sum(tf.mul(tf.exp(logProbs), logProbs), 1)).dataSync())).toBeLessThan(1e-5);
    const variable = tf.variable(hidden());
    const { gradients } = gradientsOf(() => tf.sum(tokenLogProbs(variable as tf.Tensor2D, head(), targets(), { entropy: true }).entropy!), [variable]);
    expect([...gradients[0]!.dataSync()]).toEqual(new Array(COUNT * WIDTH).fill(0));
    variable.dispose();
  });

  test("logits of ±200 stay finite and exact", () => {
    const { logProbs, entropy } = tokenLogProbs(tf.tensor2d([[1], [1]]), tf.tensor2d([[200], [-200]]), tf.tensor1d([0, 1], "int32"), { entropy: true });
    expect(maxDifference(logProbs.dataSync(), [0, -400])).toBe(0);
    expect(maxDifference(entropy!.dataSync(), [0, 0])).toBe(0);
  });

  test.each([
    ["one chunk, head frozen", 1000, ["hidden"], 2],
    ["one chunk, both trained", 1000, ["hidden", "head"], 3],
    ["two chunks, head frozen: the logits of each once more", 4 * VOCABULARY, ["hidden"], 6],
  ])("products computed with %s", async (_, chunkNumbers, wanted, products) => {
    const all = { hidden: tf.variable(hidden()), head: tf.variable(head()) };
    const { kernels } = await tf.profile(() => {
      const loss = (): tf.Scalar => tf.sum(tokenLogProbs(all.hidden as tf.Tensor2D, all.head as tf.Tensor2D, targets(), { chunkNumbers }).logProbs);
      const { value, gradients } = gradientsOf(loss, wanted.map((name) => all[name as "hidden" | "head"]));
      tf.dispose([value, gradients]);
      return tf.scalar(0);
    });
    expect(kernels.filter(({ name }) => /MatMul/.test(name))).toHaveLength(products);
    tf.dispose(all);
  });

  test.each([["one chunk", 1000], ["several chunks", 2 * VOCABULARY]])("leaves no tensor behind (%s)", async (_, chunkNumbers) => {
    const inputs = [hidden(), head()];
    const ids = targets();
    await expectNoLeak(() =>
      outputAndGradients((h, w) => {
        const { logProbs, entropy } = tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, ids, { chunkNumbers, entropy: true });
        return tf.add(logProbs, tf.mul(entropy!, 0));
      }, inputs),
    );
  });
});
