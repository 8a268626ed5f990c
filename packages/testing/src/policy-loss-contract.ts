import { expect } from "vitest";
import { gradientsOf, tf } from "@verlet/backend";
import { Rng, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { testRules, type Skips } from "./contract-rules.js";

/** Completions of one prompt or several, as a loss sees them. */
export interface PolicyLossRows {
  /** [B, C] */
  logProbs: readonly (readonly number[])[];
  /** [B, C] */
  oldLogProbs: readonly (readonly number[])[];
  /** [B], the same for every token of a row. */
  advantages: readonly number[];
  /** [B], tokens of each row; what stands after them is padding. */
  lengths: readonly number[];
}

/** Such rows as the tensors a loss takes, with the loss's own marks where it makes any. */
export function policyLossInput(loss: PolicyLoss, { logProbs, oldLogProbs, advantages, lengths }: PolicyLossRows): PolicyLossInput {
  const shape: [number, number] = [logProbs.length, logProbs[0]!.length];
  const mask = logProbs.map((row, i) => row.map((_, t) => (t < lengths[i]! ? 1 : 0)));
  const spread = mask.map((row, i) => row.map((m) => m * advantages[i]!));
  const flat = (rows: readonly (readonly number[])[]): Float32Array => Float32Array.from(rows.flat());
  const marks = loss.mark?.({
    rows: shape[0], width: shape[1], logProbs: flat(logProbs), oldLogProbs: flat(oldLogProbs), advantages: flat(spread), mask: flat(mask), rng: new Rng(1),
  });
  const tensor = (values: Float32Array): tf.Tensor2D => tf.tensor2d(values, shape);
  return { logProbs: tensor(flat(logProbs)), oldLogProbs: tensor(flat(oldLogProbs)), advantages: tensor(flat(spread)), mask: tensor(flat(mask)), ...(marks && { marks: tensor(marks) }) };
}

/** The loss of each active token, 0 at padding, and the gradient of their sum with respect to the log-probs; [B, C] each. */
export function tokenLossOf(loss: PolicyLoss, rows: PolicyLossRows): { losses: number[][]; gradient: number[][] } {
  return evaluate(loss, policyLossInput(loss, rows));
}

function evaluate(loss: PolicyLoss, input: PolicyLossInput): { losses: number[][]; gradient: number[][] } {
  const live = tf.variable(input.logProbs);
  const logProbs = live as unknown as tf.Tensor2D;
  const losses = tf.tidy(() => tf.mul<tf.Tensor2D>(loss.tokenLoss({ ...input, logProbs }), input.mask).arraySync());
  const { value, gradients } = gradientsOf(() => tf.sum<tf.Scalar>(tf.mul(loss.tokenLoss({ ...input, logProbs }), input.mask)), [live]);
  const gradient = gradients[0]!.arraySync() as number[][];
  tf.dispose([value, ...gradients, live, input as unknown as tf.TensorContainerObject]);
  return { losses, gradient };
}

const old = [
  [-0.5, -1.2, -0.9, -2],
  [-0.3, -0.7, -1, -1],
  [-1.5, -0.1, -0.6, -1],
];
const moved: PolicyLossRows = {
  oldLogProbs: old,
  logProbs: old.map((row, i) => row.map((logProb, t) => logProb + 0.1 * (((i + t) % 3) - 1))), // log-ratios −0.1, 0, 0.1
  advantages: [1, -0.5, 2],
  lengths: [4, 2, 3],
};
const unmoved: PolicyLossRows = { ...moved, logProbs: old };

const active = <T>(rows: readonly (readonly T[])[], lengths: readonly number[]): T[][] => rows.map((row, i) => row.slice(0, lengths[i]));
const padding = <T>(rows: readonly (readonly T[])[], lengths: readonly number[]): T[] => rows.flatMap((row, i) => row.slice(lengths[i]));

const rules = {
  "gives a finite loss to every token": (make: () => PolicyLoss) => {
    const loss = make();
    const input = policyLossInput(loss, moved);
    const result = loss.tokenLoss(input);
    expect(result.shape).toEqual([3, 4]);
    expect([...result.dataSync()].filter((value) => !Number.isFinite(value))).toEqual([]);
  },
  "makes a good completion likelier and a bad one less likely": (make: () => PolicyLoss) => {
    const { gradient } = tokenLossOf(make(), unmoved);
    const signs = active(gradient, unmoved.lengths).map((row) => [...new Set(row.map(Math.sign))]);
    expect(signs).toEqual([[-1], [1], [-1]]); // the loss falls where the log-prob of a good token rises
  },
  "teaches nothing where the advantage is 0": (make: () => PolicyLoss) => {
    const { gradient } = tokenLossOf(make(), { ...moved, advantages: [0, 0, 0] });
    expect(gradient.flat().map(Math.abs)).toEqual(new Array<number>(12).fill(0));
  },
  "teaches nothing at padding": (make: () => PolicyLoss) => {
    expect(padding(tokenLossOf(make(), moved).gradient, moved.lengths).map(Math.abs)).toEqual([0, 0, 0]);
  },
  "does not read what stands at padding": (make: () => PolicyLoss) => {
    const filled = (rows: PolicyLossRows["logProbs"], value: number) => rows.map((row, i) => row.map((x, t) => (t < moved.lengths[i]! ? x : value)));
    const other = { ...moved, logProbs: filled(moved.logProbs, -30), oldLogProbs: filled(moved.oldLogProbs, -0.001) };
    const [usual, changed] = [tokenLossOf(make(), moved), tokenLossOf(make(), other)];
    expect(active(changed.losses, moved.lengths)).toEqual(active(usual.losses, moved.lengths));
    expect(active(changed.gradient, moved.lengths)).toEqual(active(usual.gradient, moved.lengths));
  },
  "gives a row the same loss in every micro-batch": (make: () => PolicyLoss) => {
    const loss = make();
    const { marks } = policyLossInput(loss, moved);
    const whole = tokenLossOf(loss, moved);
    moved.lengths.forEach((length, i) => {
      const row = { logProbs: [moved.logProbs[i]!], oldLogProbs: [moved.oldLogProbs[i]!], advantages: [moved.advantages[i]!], lengths: [length] };
      const alone = evaluate(loss, { ...policyLossInput(loss, row), ...(marks && { marks: tf.slice(marks, [i, 0], [1, 4]) }) });
      alone.losses[0]!.forEach((value, t) => expect(value).toBeCloseTo(whole.losses[i]![t]!, 6));
      alone.gradient[0]!.forEach((value, t) => expect(value).toBeCloseTo(whole.gradient[i]![t]!, 6));
    });
  },
  "stays finite when the policy has moved far": (make: () => PolicyLoss) => {
    const far = moved.logProbs.map((row, i) => row.map((_, t) => ((i + t) % 2 === 0 ? -0.01 : -40)));
    const was = far.map((row) => row.map((logProb) => (logProb === -40 ? -0.01 : -40)));
    for (const sign of [1, -1]) {
      const { losses, gradient } = tokenLossOf(make(), { ...moved, logProbs: far, oldLogProbs: was, advantages: moved.advantages.map((a) => sign * a) });
      expect([...losses.flat(), ...gradient.flat()].filter((value) => !Number.isFinite(value))).toEqual([]);
    }
  },
  "measures finite numbers": (make: () => PolicyLoss) => {
    const loss = make();
    for (const [name, sum] of Object.entries(loss.tokenMetrics?.(policyLossInput(loss, moved)) ?? {})) {
      expect(sum.shape, name).toEqual([]);
      expect(sum.dataSync()[0], name).toSatisfy(Number.isFinite);
    }
  },
  "marks the same tokens for the same seed": (make: () => PolicyLoss) => {
    const marks = (): number[] => Array.from(policyLossInput(make(), moved).marks?.dataSync() ?? []);
    const first = marks();
    expect(first.filter((mark) => !Number.isFinite(mark))).toEqual([]);
    expect(marks()).toEqual(first);
  },
};

/**
 * What every policy loss must do, whatever its formula.
 * @param skip rules that its definition breaks, each with the reason
 */
export function policyLossContract(make: () => PolicyLoss, { skip = {} }: { skip?: Skips<typeof rules> } = {}): void {
  testRules(rules, make, skip);
}
