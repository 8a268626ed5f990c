import { describe, expect, test } from "vitest";
import { tf } from "@verlet/backend";
import { Rng, type SamplingOptions } from "@verlet/core";
import { chooseByGraph, chooseOnHost, chooseTokens, filterLogits, type FilterOptions } from "@verlet/rollout";
import { describeWithAndWithoutGraphs } from "../../helpers/backends.js";
import { maxDifference, readJson } from "../../helpers/fixtures.js";
import { expectNoLeak } from "../../helpers/tensors.js";

interface Warpers {
  vectors: number[][];
  cases: { vector: number; context: number[]; config: Record<string, number>; logits: (number | null)[]; probs: number[]; kept: number[] }[];
}

const off: FilterOptions = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
const names = { temperature: "temperature", top_k: "topK", top_p: "topP", min_p: "minP", repetition_penalty: "repetitionPenalty" } as const;
const optionsOf = (config: Record<string, number>): FilterOptions => ({
  ...off,
  ...Object.fromEntries(Object.entries(config).map(([key, value]) => [names[key as keyof typeof names], value])),
});
const sampling = (options: Partial<FilterOptions>): SamplingOptions => ({ ...off, ...options, maxNewTokens: 1, stopTokenIds: [] });

const probabilitiesOf = (logits: ArrayLike<number>): number[] => {
  const values = Array.from(logits);
  const weights = values.map((z) => Math.exp(z - Math.max(...values)));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
};

describe("filterLogits", () => {
  const { vectors, cases } = readJson<Warpers>("sampling/warpers.json");

  test.each(cases.map((each, i) => [`case ${i + 1} of ${cases.length}: vector ${each.vector}, ${JSON.stringify(each.config)}`, each] as const))(
    "%s",
    (_, { vector, context, config, logits, probs, kept }) => {
      const filtered = Float32Array.from(vectors[vector]!);
      filterLogits(filtered, optionsOf(config), context);
      expect([...filtered.keys()].filter((id) => filtered[id] !== -Infinity)).toEqual(kept);
      expect(maxDifference(probabilitiesOf(filtered), probs)).toBeLessThan(1e-5);
      // relative where a low temperature makes the logits large: a float32 has 6e-8
      kept.forEach((id) => expect(Math.abs(filtered[id]! - logits[id]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(logits[id]!))));
    },
  );

  test("the penalty counts an id once however often it is there, and both signs grow less likely", () => {
    const logits = Float32Array.of(2, -2, 1);
    filterLogits(logits, { ...off, repetitionPenalty: 2 }, [0, 1, 1, 0]);
    expect([...logits]).toEqual([1, -4, 1]);
  });

  test("top-k keeps all ties at the border", () => {
    const logits = Float32Array.of(3, 1, 2, 2, 2);
    filterLogits(logits, { ...off, topK: 2 }, []);
    expect([...logits]).toEqual([3, -Infinity, 2, 2, 2]);
  });

  test("top-p keeps the best token even when p is 0", () => {
    const logits = Float32Array.of(1, 3, 2);
    filterLogits(logits, { ...off, topP: 0 }, []);
    expect([...logits]).toEqual([-Infinity, 3, -Infinity]);
  });
});

describeWithAndWithoutGraphs("chooseTokens", () => {
  const LOGITS = [1.2, -0.5, 0.3, 2, -2, 0.9, 0, -1];
  type Chosen = { ids: number[]; logProbs: Float32Array };
  const chooseBy = (chooser: typeof chooseTokens, rows: readonly (readonly number[])[], options: Partial<FilterOptions>, uniforms: readonly number[], contexts: number[][] = []): Chosen => {
    const logits = tf.tensor2d(rows as number[][]);
    const { ids, logProbs } = chooser(logits, sampling(options), Float64Array.from(uniforms), contexts);
    logits.dispose();
    return { ids: [...ids], logProbs };
  };
  const choose = chooseBy.bind(undefined, chooseTokens);
  const repeated = (count: number): number[][] => Array.from({ length: count }, () => LOGITS);

  const paths: [string, Partial<FilterOptions>][] = [["without a filter", {}], ["with one that removes nothing", { minP: 1e-30 }]];

  test.each(paths)("%s: draws follow the distribution at temperature 0.8", (_, path) => {
    const count = 20_000;
    const rng = new Rng(11);
    const { ids } = choose(repeated(count), { ...path, temperature: 0.8 }, Array.from({ length: count }, () => rng.uniform()));
    const expected = probabilitiesOf(LOGITS.map((z) => z / 0.8)).map((p) => p * count);
    const observed = expected.map((_, id) => ids.filter((each) => each === id).length);
    const chiSquare = observed.reduce((sum, n, id) => sum + (n - expected[id]!) ** 2 / expected[id]!, 0);
    expect(chiSquare).toBeLessThan(24.32); // 7 degrees of freedom: exceeded once in a thousand
  });

  test.each(paths)("%s: inverts the cumulative distribution, and gives the log-prob of what it drew", (_, path) => {
    // p = 1/2, 1/4, 1/8, 1/8: cumulative 0.5, 0.75, 0.875, 1
    const row = [0.5, 0.25, 0.125, 0.125].map(Math.log);
    const uniforms = [0, 0.49, 0.51, 0.74, 0.76, 0.87, 0.88, 0.999];
    const { ids, logProbs } = choose(uniforms.map(() => row), path, uniforms);
    expect(ids).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(maxDifference(logProbs, ids.map((id) => row[id]!))).toBeLessThan(1e-5);
  });

  const forms: Partial<FilterOptions>[] = [
    {}, { temperature: 0.7 }, { topK: 5 }, { topP: 0.8 }, { minP: 0.05 }, { temperature: 0 }, { temperature: 0, topP: 0.5 },
    { temperature: 1.3, topK: 20, topP: 0.9, minP: 0.02 }, { topK: 1 }, { topP: 1e-6 }, { topK: 10_000, topP: 0.999 },
  ];
  // 1500 tokens, of which top-p may keep more than are sorted at first; neither number is a multiple of a block
  test.each([50, 1500].flatMap((vocabulary) => forms.map((form) => [vocabulary, form] as const)))("of %i tokens with %o: the host's choice", (vocabulary, form) => {
    const rng = new Rng(5);
    const rows = Array.from({ length: 60 }, (_, row) => Array.from({ length: vocabulary }, () => (row % 3) * rng.normal()));
    const uniforms = rows.map(() => rng.uniform());
    const [got, expected] = [choose(rows, form, uniforms), chooseBy(chooseOnHost, rows, form, uniforms)];
    expect(got.ids).toEqual(expected.ids);
    expect(maxDifference(got.logProbs, expected.logProbs)).toBeLessThan(1e-5);
  });

  test.each([50, 1500].flatMap((vocabulary) => forms.map((form) => [vocabulary, form] as const)))("of %i tokens with %o: the host's choice in plain ops, but for rows left open", (vocabulary, form) => {
    const rng = new Rng(6);
    const rows = Array.from({ length: 60 }, (_, row) => Array.from({ length: vocabulary }, () => (1 + (row % 3)) * rng.normal()));
    const uniforms = rows.map(() => rng.uniform());
    const expected = chooseBy(chooseOnHost, rows, form, uniforms);
    const logits = tf.tensor2d(rows);
    const { choice, open } = chooseByGraph(logits, sampling(form), Float64Array.from(uniforms));
    logits.dispose();
    expect(open.length).toBeLessThan(rows.length);
    for (let row = 0; row < rows.length; row++) {
      if (open.includes(row)) continue;
      expect(choice.ids[row]).toBe(expected.ids[row]);
      expect(Math.abs(choice.logProbs[row]! - expected.logProbs[row]!)).toBeLessThan(1e-5);
    }
  });

  test.each<Partial<FilterOptions>>([{}, { temperature: 0.7 }, { topK: 2 }, { topP: 0.9 }, { temperature: 0 }])("with %o: a row with what is not a number has no log-prob, and the rows beside it theirs", (form) => {
    const rows = [LOGITS, LOGITS.map((z, i) => (i === 2 ? NaN : z)), LOGITS];
    const { ids, logProbs } = choose(rows, form, [0.3, 0.3, 0.3]);
    const alone = choose([LOGITS], form, [0.3]);
    expect(ids[1]).toBeLessThan(LOGITS.length);
    expect(logProbs[1]).toBeNaN();
    expect([ids[0], ids[2]]).toEqual([alone.ids[0], alone.ids[0]]);
    expect(maxDifference([logProbs[0]!, logProbs[2]!], [alone.logProbs[0]!, alone.logProbs[0]!])).toBeLessThan(1e-6);
  });

  test("the reference's kept tokens and probabilities, where there is no repetition penalty", () => {
    const { vectors, cases } = readJson<Warpers>("sampling/warpers.json");
    const plain = cases.filter(({ config }) => config["repetition_penalty"] === undefined);
    expect(plain.length).toBeGreaterThan(5);
    const uniforms = Array.from({ length: 500 }, (_, i) => (i + 0.5) / 500);
    for (const { vector, config, probs, kept } of plain) {
      const { ids, logProbs } = choose(uniforms.map(() => vectors[vector]!), optionsOf(config), uniforms);
      expect(kept).toEqual(expect.arrayContaining([...new Set(ids)]));
      expect(ids).toEqual(expect.arrayContaining(kept.filter((id) => probs[id]! > 1 / uniforms.length)));
      expect(maxDifference(logProbs, ids.map((id) => Math.log(probs[id]!)))).toBeLessThan(2e-5); // the table's own float32 logits, at temperatures down to 0.1
    }
  });

  test("equal logits at the border of top-p: the first ones go, as in a stable sort", () => {
    // p = 0.4, 0.2, 0.2, 0.2: 0.7 is passed by the best and two of the three
    const row = [0.2, 0.4, 0.2, 0.2].map(Math.log);
    const uniforms = [0, 0.49, 0.51, 0.74, 0.76, 0.99];
    expect(choose(uniforms.map(() => row), { topP: 0.7 }, uniforms).ids).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test("all ties at the border of top-k stay", () => {
    const row = [1, 0, 0, 0, -9];
    const uniforms = Array.from({ length: 200 }, (_, i) => i / 200);
    expect(new Set(choose(uniforms.map(() => row), { topK: 2 }, uniforms).ids)).toEqual(new Set([0, 1, 2, 3]));
  });

  test.each(paths)("%s: a token that cannot be drawn is never drawn, at both ends of the unit interval", (_, path) => {
    const rows = [[-2000, 0, 0, -2000], [-2000, 0, 0, -2000]];
    const { ids, logProbs } = choose(rows, path, [0, 1 - 2 ** -53]);
    expect(ids).toEqual([1, 2]);
    expect(maxDifference(logProbs, [Math.log(0.5), Math.log(0.5)])).toBeLessThan(1e-5);
  });

  test("filters act on what is drawn, and the log-prob is that of the filtered distribution", () => {
    const rng = new Rng(2);
    const count = 500;
    const { ids, logProbs } = choose(repeated(count), { topK: 3, temperature: 0.9 }, Array.from({ length: count }, () => rng.uniform()));
    expect([...new Set(ids)].sort()).toEqual([0, 3, 5]);
    const kept = probabilitiesOf([1.2, 2, 0.9].map((z) => z / 0.9));
    const expected = new Map([0, 3, 5].map((id, i) => [id, Math.log(kept[i]!)]));
    expect(maxDifference(logProbs, ids.map((id) => expected.get(id)!))).toBeLessThan(1e-5);
  });

  test.each(paths)("%s: temperature 0 takes the best token whatever the number, with its log-prob at temperature 1", (_, path) => {
    const { ids, logProbs } = choose(repeated(3), { ...path, temperature: 0 }, [0, 0.5, 0.99]);
    expect(ids).toEqual([3, 3, 3]);
    expect(maxDifference(logProbs, new Array(3).fill(Math.log(probabilitiesOf(LOGITS)[3]!)))).toBeLessThan(1e-5);
  });

  test("the repetition penalty looks at each row's own context, greedy too", () => {
    // row 0 has used id 3: 2 / 4 = 0.5 falls below 1.2 of id 0
    const { ids } = choose(repeated(2), { temperature: 0, repetitionPenalty: 4 }, [0, 0], [[3], [5]]);
    expect(ids).toEqual([0, 3]);
  });

  test("leaves no tensor behind", async () => {
    await expectNoLeak(() => [{}, { topK: 2 }, { temperature: 0 }].map((options) => choose(repeated(2), options, [0.1, 0.6])));
  });
});
