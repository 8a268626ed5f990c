import { describe, expect, test } from "vitest";
import { gradientsOf, tf, tokenLogProbs } from "@verlet/backend";
import { describeOnBackendsAndWebgpu } from "../../../helpers/backends.js";
import { maxDifference } from "../../../helpers/fixtures.js";
import { expectNoLeak, expectSameFunction, outputAndGradients, productsOf, randomTensor } from "../../../helpers/tensors.js";

const [COUNT, WIDTH, VOCABULARY] = [7, 5, 11];
const IDS = [0, 10, 3, 3, 7, 1, 10];
const hidden = (): tf.Tensor2D => randomTensor<tf.Rank.R2>([COUNT, WIDTH], 1);
const head = (): tf.Tensor2D => randomTensor<tf.Rank.R2>([VOCABULARY, WIDTH], 2);
const targets = (): tf.Tensor1D => tf.tensor1d(IDS, "int32");

const plain = (h: tf.Tensor2D, w: tf.Tensor2D, temperature: number): tf.Tensor => {
  const logProbs = tf.logSoftmax(tf.div(tf.matMul(h, w, false, true), temperature)); // [N, V]
  return tf.sum(tf.mul(logProbs, tf.cast(tf.oneHot(targets(), VOCABULARY), "float32")), 1);
};

await describeOnBackendsAndWebgpu("tokenLogProbs", () => {
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
    ["two chunks, both trained: the same logits for both gradients", 4 * VOCABULARY, ["hidden", "head"], 8],
  ])("products computed with %s", async (_, chunkNumbers, wanted, products) => {
    const all = { hidden: tf.variable(hidden()), head: tf.variable(head(), wanted.includes("head")) };
    const count = await productsOf(() => {
      const loss = (): tf.Scalar => tf.sum(tokenLogProbs(all.hidden as tf.Tensor2D, all.head as tf.Tensor2D, targets(), { chunkNumbers }).logProbs);
      const { value, gradients } = gradientsOf(loss, wanted.map((name) => all[name as "hidden" | "head"]));
      tf.dispose([value, gradients]);
    });
    expect(count).toBe(products);
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

  describe("differentiable entropy", () => {
    const composed = (h: tf.Tensor2D, w: tf.Tensor2D, temperature: number): tf.Tensor => {
      const logs = tf.logSoftmax(tf.div(tf.matMul(h, w, false, true), temperature)); // [N, V]
      return tf.neg(tf.sum(tf.mul(tf.exp(logs), logs), 1));
    };
    /** Log-probs and entropy in one tensor, so that both gradients are seen, alone and together. */
    const both = (h: tf.Tensor, w: tf.Tensor, options: object): tf.Tensor => {
      const { logProbs, entropy } = tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), { entropy: "differentiable", ...options });
      return tf.stack([logProbs, entropy!]);
    };

    test.each([1, 0.7, 2.5])("temperature %d: log-probs and entropy equal the composed forms, with their gradients", (temperature) => {
      expectSameFunction(
        (h, w) => both(h!, w!, { temperature }),
        (h, w) => tf.stack([plain(h as tf.Tensor2D, w as tf.Tensor2D, temperature), composed(h as tf.Tensor2D, w as tf.Tensor2D, temperature)]),
        [hidden(), head()],
      );
      expectSameFunction(
        (h, w) => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), { temperature, entropy: "differentiable" }).entropy!,
        (h, w) => composed(h as tf.Tensor2D, w as tf.Tensor2D, temperature),
        [hidden(), head()],
      );
    });

    test.each([1, 2, 3, 6])("chunks of %i rows give what one chunk gives", (rows) => {
      expectSameFunction((h, w) => both(h!, w!, { temperature: 0.8, chunkNumbers: rows * VOCABULARY }), (h, w) => both(h!, w!, { temperature: 0.8 }), [hidden(), head()]);
    });

    test("logits of ±200 have entropy 0 and a finite gradient", () => {
      const w = tf.tensor2d([[200], [-200]]);
      const of = (h: tf.Tensor): tf.Tensor => tokenLogProbs(h as tf.Tensor2D, w, tf.tensor1d([1, 0], "int32"), { entropy: "differentiable" }).entropy!;
      const { output, gradients } = outputAndGradients((h) => of(h!), [tf.tensor2d([[1], [-1]])]);
      expect(maxDifference(output, [0, 0])).toBe(0);
      expect(maxDifference(gradients[0]!, [0, 0])).toBe(0);
    });

    test.each([["one chunk", 1000], ["several chunks", 2 * VOCABULARY]])("leaves no tensor behind (%s)", async (_, chunkNumbers) => {
      const inputs = [hidden(), head()];
      await expectNoLeak(() => tf.tidy(() => void outputAndGradients((h, w) => both(h!, w!, { chunkNumbers, sumSquares: true }), inputs)));
    });
  });

  test.each([["one chunk", 1000], ["several chunks", 2 * VOCABULARY]])("sumSquares is Σ p² (%s)", (_, chunkNumbers) => {
    const { sumSquares, ...rest } = tokenLogProbs(hidden(), head(), targets(), { temperature: 0.7, sumSquares: true, chunkNumbers });
    const p = tf.softmax(tf.div(tf.matMul(hidden(), head(), false, true), 0.7));
    expect(maxDifference(sumSquares!.dataSync(), tf.sum(tf.square(p), 1).dataSync())).toBeLessThan(1e-6);
    expect(Object.keys(rest)).toEqual(["logProbs"]);
  });

  test.each([["one chunk", 1000], ["several chunks", 2 * VOCABULARY], ["a token of the vocabulary at a time", 1]])("mostLikely is 1 where the target is the arg max, the first of equals (%s)", (_, chunkNumbers) => {
    const head5 = tf.tensor2d([[1], [3], [2], [3], [-1]]); // z = h · these
    const h = tf.tensor2d([[1], [1], [1], [-1], [0], [0]]);
    const { mostLikely, ...rest } = tokenLogProbs(h, head5, tf.tensor1d([1, 3, 2, 4, 0, 1], "int32"), { mostLikely: true, chunkNumbers });
    expect([...mostLikely!.dataSync()]).toEqual([1, 0, 0, 1, 1, 0]);
    expect(Object.keys(rest)).toEqual(["logProbs"]);
    const best = tf.argMax(tf.matMul(hidden(), head(), false, true), 1).dataSync();
    const random = tokenLogProbs(hidden(), head(), targets(), { mostLikely: true, temperature: 0.7, entropy: true, sumSquares: true, chunkNumbers });
    expect([...random.mostLikely!.dataSync()]).toEqual(IDS.map((id, i) => Number(best[i] === id)));
  });

  describe("filter", () => {
    /** Removes all but the three largest. */
    const topThree = (logits: Float32Array): void => {
      const border = Float32Array.from(logits).sort()[logits.length - 3]!;
      logits.forEach((logit, id) => { if (logit < border) logits[id] = -Infinity; });
    };
    const temperature = 0.8;
    /** 0 for what stays, −∞ for what goes, [N, V]; made of the unmoved inputs. */
    const removed = (): tf.Tensor2D => {
      const logits = tf.div(tf.matMul(hidden(), head(), false, true), temperature).arraySync() as number[][];
      return tf.tensor2d(logits.map((row, i) => {
        const own = Float32Array.from(row);
        topThree(own);
        return Array.from(own, (logit, id) => (logit === -Infinity && id !== IDS[i] ? -1e9 : 0));
      }));
    };
    const composed = (h: tf.Tensor, w: tf.Tensor): tf.Tensor => {
      const logs = tf.logSoftmax(tf.add(tf.div(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true), temperature), removed()));
      const chosen = tf.sum(tf.mul(logs, tf.cast(tf.oneHot(targets(), VOCABULARY), "float32")), 1);
      return tf.stack([chosen, tf.neg(tf.sum(tf.mul(tf.exp(logs), logs), 1))]);
    };

    test.each([["one chunk", 1000], ["several chunks", 2 * VOCABULARY]])("log-probs and entropy over what is left, with their gradients (%s)", (_, chunkNumbers) => {
      const filtered = (h: tf.Tensor, w: tf.Tensor): tf.Tensor => {
        const { logProbs, entropy } = tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, targets(), { temperature, chunkNumbers, filter: topThree, entropy: "differentiable" });
        return tf.stack([logProbs, entropy!]);
      };
      expectSameFunction((h, w) => filtered(h!, w!), (h, w) => composed(h!, w!), [hidden(), head()]);
    });

    test("the target stays though the filter removes it: by hand, ln(1/6) beside the one token that is kept", () => {
      const head3 = tf.tensor2d([[Math.log(1)], [Math.log(2)], [Math.log(5)]]);
      const largest = (logits: Float32Array): void => logits.forEach((logit, id) => { if (logit < Math.max(...logits)) logits[id] = -Infinity; });
      const { logProbs, entropy, sumSquares } = tokenLogProbs(tf.tensor2d([[1], [1]]), head3, tf.tensor1d([0, 2], "int32"), { filter: largest, entropy: true, sumSquares: true });
      expect(maxDifference(logProbs.dataSync(), [Math.log(1 / 6), 0])).toBeLessThan(1e-6);
      expect(maxDifference(entropy!.dataSync(), [Math.log(6) - (5 / 6) * Math.log(5), 0])).toBeLessThan(1e-6);
      expect(maxDifference(sumSquares!.dataSync(), [26 / 36, 1])).toBeLessThan(1e-6);
    });

    test("runs once for each row, however many chunks there are", () => {
      let calls = 0;
      const counted = (logits: Float32Array): void => { calls += 1; topThree(logits); };
      tf.tidy(() => tf.grad((h) => tf.sum(tokenLogProbs(h as tf.Tensor2D, head(), targets(), { filter: counted, chunkNumbers: 2 * VOCABULARY }).logProbs))(hidden()));
      expect(calls).toBe(COUNT);
    });

    test("leaves no tensor behind", async () => {
      const inputs = [hidden(), head()];
      const ids = targets();
      await expectNoLeak(() => outputAndGradients((h, w) => tokenLogProbs(h as tf.Tensor2D, w as tf.Tensor2D, ids, { filter: topThree, chunkNumbers: 2 * VOCABULARY }).logProbs, inputs));
    });
  });
});
