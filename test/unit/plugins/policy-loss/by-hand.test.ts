import { beforeAll, describe, expect, test } from "vitest";
import { selectBackend } from "@verlet/backend";
import { loadBuiltins } from "@verlet/config";
import { createComponent, RegistryError, registry, Rng, type PolicyLoss, type WholeBatch } from "@verlet/core";
import { trainingBackends } from "../../../helpers/backends.js";
import { evaluateLoss, type Evaluated, type LossRows } from "../../../helpers/policy-losses.js";

beforeAll(async () => {
  await selectBackend(trainingBackends[0]!);
  await loadBuiltins();
});

const make = (name: string, options: Record<string, unknown> = {}): PolicyLoss => createComponent("policyLoss", name, options);
const ln = Math.log;

/** The sum of the token losses of one row, its gradient and metrics; log-ratios by probabilities that are given. */
function onRow(loss: PolicyLoss, was: number[], is: number[], advantages: number[]): Evaluated {
  const rows: LossRows = { oldLogProbs: [was.map(ln)], logProbs: [is.map(ln)], advantages: [advantages], mask: [was.map(() => 1)] };
  return evaluateLoss(loss, rows, "token-sum", { tokens: 1, rows: 1, maxTokens: 1 });
}

function expectNumbers(got: readonly number[], expected: readonly number[]): void {
  expect(got).toHaveLength(expected.length);
  got.forEach((x, i) => expect(x).toBeCloseTo(expected[i]!, 5));
}

test("clip: ratio 1.5 with A = 1 stops at 1.28, ratio 0.5 with A = −1 at 0.8; ratio 0.5 with A = 1 goes on", () => {
  const { loss, gradient, metrics } = onRow(make("clip", { clipHigh: 0.28 }), [0.4, 0.4, 0.4], [0.6, 0.2, 0.2], [1, -1, 1]);
  expect(loss).toBeCloseTo(-1.28 + 0.8 - 0.5, 5);
  expectNumbers(gradient, [0, 0, -0.5]);
  expectNumbers(Object.values(metrics), [2.5, 1, 1, 2]);
  expect(Object.keys(metrics)).toEqual(["ratio", "clip_ratio/low_mean", "clip_ratio/high_mean", "clip_ratio/region_mean"]);
});

test("clip: with A = −1 a ratio of 8 costs 8, clipDual 3 stops it at 3 and leaves A = 1 alone", () => {
  expect(onRow(make("clip"), [0.1], [0.8], [-1])).toMatchObject({ loss: expect.closeTo(8, 4) });
  expect(onRow(make("clip", { clipDual: 3 }), [0.1, 0.5], [0.8, 0.5], [-1, 1])).toMatchObject({ loss: expect.closeTo(3 - 1, 4), gradient: [0, expect.closeTo(-1, 5)] });
});

test("gspo: token ratios 2 and 1 give the row √2; beyond the bound nothing is learnt", () => {
  const free = onRow(make("gspo", { clipHigh: 1 }), [0.2, 0.5], [0.4, 0.5], [1, 1]);
  expect(free.loss).toBeCloseTo(-2 * Math.SQRT2, 5);
  expectNumbers(free.gradient, [-Math.SQRT2, -Math.SQRT2]);
  const clipped = onRow(make("gspo", { clipHigh: 0.2 }), [0.2, 0.5], [0.4, 0.5], [1, 1]);
  expect(clipped.loss).toBeCloseTo(-2.4, 5);
  expectNumbers(clipped.gradient, [0, 0]);
  expect(clipped.metrics["clip_ratio/high_mean"]).toBe(2); // both tokens of the row
});

test("gmpo: log-ratios ln 4 and 0 with a bound of ln 2 give the row √2, taught by the second token alone", () => {
  const { loss, gradient, metrics } = onRow(make("gmpo", { clipHigh: ln(2) }), [0.2, 0.5], [0.8, 0.5], [1, 1]);
  expect(loss).toBeCloseTo(-2 * Math.SQRT2, 5);
  expectNumbers(gradient, [0, -Math.SQRT2]);
  expect(metrics).toMatchObject({ ratio: expect.closeTo(2 * Math.SQRT2, 5), "clip_ratio/high_mean": 1 });
});

test("sequence_clip: token ratios 1.1 and 1.05 give the completion 1.155", () => {
  const { loss, gradient } = onRow(make("sequence_clip"), [0.5, 0.4], [0.55, 0.42], [2, 2]);
  expect(loss).toBeCloseTo(-2 * 2 * 1.155, 5);
  expectNumbers(gradient, [-4 * 1.155, -4 * 1.155]);
});

test("cispo: a ratio of 8 weighs 5; with a lower bound a ratio of 0.1 weighs 0.8; neither loses its gradient", () => {
  const { loss, gradient, metrics } = onRow(make("cispo", { clipLow: 0.2 }), [0.1, 0.5], [0.8, 0.05], [1, -1]);
  expect(loss).toBeCloseTo(-5 * ln(0.8) + 0.8 * ln(0.05), 4);
  expectNumbers(gradient, [-5, 0.8]);
  expect(metrics).toMatchObject({ "clip_ratio/low_mean": 1, "clip_ratio/high_mean": 1, cispo_clip_ratio: 1 });
  expectNumbers(onRow(make("cispo"), [0.5], [0.05], [1]).gradient, [-0.1]); // no lower bound unless asked for
});

test("dppo_tv: a probability 0.2 up or down is left out with a limit of 0.15, on the side of the update alone", () => {
  const { gradient, metrics } = onRow(make("dppo_tv"), [0.5, 0.5, 0.5, 0.5], [0.7, 0.3, 0.7, 0.6], [1, -1, -1, 1]);
  expectNumbers(gradient, [0, 0, 1.4, -1.2]);
  expect(metrics).toMatchObject({ "clip_ratio/low_mean": 1, "clip_ratio/high_mean": 1, "clip_ratio/region_mean": 2 });
});

test("dppo_kl: KL(0.5 ‖ 0.7) = 0.087 is beyond a limit of 0.08 and within one of 0.09", () => {
  expect(0.5 * ln(0.5 / 0.7) + 0.5 * ln(0.5 / 0.3)).toBeCloseTo(0.0872, 4);
  expectNumbers(onRow(make("dppo_kl", { limitHigh: 0.08 }), [0.5], [0.7], [1]).gradient, [0]);
  expectNumbers(onRow(make("dppo_kl", { limitHigh: 0.09 }), [0.5], [0.7], [1]).gradient, [-1.4]);
  expectNumbers(onRow(make("dppo_kl", { limitHigh: 0 }), [0.5], [0.3], [1]).gradient, [-0.6]); // on its way back
});

test("sapo: −2A/τ at ratio 1, with the slope of the plain surrogate; far away the gate is shut", () => {
  const { loss, gradient } = onRow(make("sapo", { tauPositive: 2 }), [0.5, 0.5], [0.5, 0.5], [3, -3]);
  expect(loss).toBeCloseTo((-2 * 3) / 2 + (2 * 3) / 1.05, 5);
  expectNumbers(gradient, [-3, 3]);
  expect(Math.abs(onRow(make("sapo"), [0.01], [0.9], [1]).gradient[0]!)).toBeLessThan(1e-10);
});

test("dro: −(A·log p − β/2·d²)", () => {
  const d = ln(2);
  const { loss, gradient } = onRow(make("dro", { beta: 0.5 }), [0.2], [0.4], [3]);
  expect(loss).toBeCloseTo(-(3 * ln(0.4) - 0.25 * d * d), 5);
  expectNumbers(gradient, [-(3 - 0.5 * d)]);
});

test("vespo: a completion twice as likely weighs 2²·e^(−3), or 2³·e^(−2) where A < 0; an unmoved one 1", () => {
  const { gradient, metrics } = onRow(make("vespo"), [0.2, 0.5], [0.4, 0.5], [1, 1]);
  expectNumbers(gradient, [-4 * Math.exp(-3), -4 * Math.exp(-3)]);
  expect(metrics["vespo/phi_mean"]).toBeCloseTo(8 * Math.exp(-3), 5);
  expectNumbers(onRow(make("vespo"), [0.2, 0.5], [0.4, 0.5], [-1, -1]).gradient, [8 * Math.exp(-2), 8 * Math.exp(-2)]);
  expectNumbers(onRow(make("vespo"), [0.5], [0.5], [1]).gradient, [-1]);
});

test("gpg: −A·log p", () => {
  const { loss, gradient } = onRow(make("gpg"), [0.1], [0.4], [2]);
  expect(loss).toBeCloseTo(-2 * ln(0.4), 5);
  expectNumbers(gradient, [-2]);
});

describe("tokens chosen by covariance", () => {
  // advantages 3, 1, −1, −3 (mean 0) and log-probs −1, −2, −3, −6 (mean −3): covariances 6, 1, 0, 9; the last two cells are padding
  const whole = (seed = 1): WholeBatch => ({
    rows: 2,
    width: 3,
    logProbs: Float32Array.from([-1, -2, 0, -3, -6, 0]),
    oldLogProbs: Float32Array.from([-1, -2, 0, -3, -6, 0]),
    advantages: Float32Array.from([3, 1, 0, -1, -3, 0]),
    mask: Float32Array.from([1, 1, 0, 1, 1, 0]),
    rng: new Rng(seed),
  });

  test("kl_cov: the highest of the whole batch, at least one", () => {
    expect([...make("kl_cov").mark!(whole())]).toEqual([0, 0, 0, 0, 1, 0]);
    expect([...make("kl_cov", { share: 0.5 }).mark!(whole())]).toEqual([1, 0, 0, 0, 1, 0]);
    expect([...make("kl_cov", { share: 1 }).mark!(whole())]).toEqual([1, 1, 0, 1, 1, 0]);
  });

  test("clip_cov: those strictly between the bounds that the clip leaves alone", () => {
    const all = (options: object, batch = whole()): number[] => [...make("clip_cov", { share: 1, ...options }).mark!(batch)];
    expect(all({ covLow: 0.5, covHigh: 7 })).toEqual([1, 1, 0, 0, 0, 0]);
    expect(all({ covLow: 1, covHigh: 9 })).toEqual([1, 0, 0, 0, 0, 0]); // 1 and 9 themselves are out
    const moved = { ...whole(), oldLogProbs: Float32Array.from([-2, -2, 0, -3, -6, 0]) }; // the first one's ratio is e, with A > 0
    expect(all({ covLow: 0.5, covHigh: 7 }, moved)).toEqual([0, 1, 0, 0, 0, 0]);
  });

  test("clip_cov: as many as the share says, drawn from the run's stream", () => {
    const loss = make("clip_cov", { share: 0.25, covLow: -1, covHigh: 10 });
    const drawn = Array.from({ length: 40 }, (_, seed) => [...loss.mark!(whole(seed))].join(""));
    expect(new Set(drawn)).toEqual(new Set(["100000", "010000", "000100", "000010"]));
    expect([...loss.mark!(whole(3))].join("")).toBe(drawn[3]);
  });

  test("clip_cov: left-out tokens have loss 0 and teach nothing; kl_cov: penalised ones are drawn back", () => {
    const left = onRow(make("clip_cov", { share: 1, covLow: -10, covHigh: 10 }), [0.2, 0.5], [0.22, 0.5], [1, -1]);
    expect(left).toMatchObject({ loss: 0, metrics: { "clip_cov/left_out_mean": 2 } });
    expectNumbers(left.gradient, [0, 0]);
    const penalised = onRow(make("kl_cov", { share: 1, penalty: 0.5 }), [0.2, 0.5], [0.4, 0.4], [1, -1]);
    expect(penalised.loss).toBeCloseTo(-2 + 0.8 + 0.5 * (ln(2) + ln(1.25)), 5);
    expectNumbers(penalised.gradient, [-2 + 0.5, 0.8 - 0.5]);
    expect(penalised.metrics["kl_cov/penalised_mean"]).toBe(2);
  });

  test("a batch without an active token marks none", () => {
    const empty = { ...whole(), mask: new Float32Array(6) };
    for (const name of ["clip_cov", "kl_cov"]) expect([...make(name).mark!(empty)]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("bounds the wrong way round are refused", () => {
    expect(() => make("clip_cov", { covLow: 5, covHigh: 1 })).toThrow(RegistryError);
    expect(() => make("clip_cov", { covLow: 5, covHigh: 1 })).toThrow(/covHigh: got 1, expected above covLow/);
  });
});

test.each(["gspo", "gmpo", "sapo", "sequence_clip"])("%s averages over rows unless told otherwise", (name) => {
  expect(registry.get("policyLoss", name).defaults).toEqual({ loss: { aggregation: "seq-mean-token-mean" } });
});
