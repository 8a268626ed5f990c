/** The documents' accuracy reward: how an answer is found in a completion, and when two answers are the same. */
import { RewardError } from "@verlet/core";
import type { Reads, RewardColumns, RewardFunction, RewardPart } from "./reward-function.js";

/** Tried in this order; the first place in the text counts. */
const marks: readonly RegExp[] = [/Final Answer:\s*([^\n]+)/i, /####\s*([^\n]+)/i, /答案是?\s*[:：]?\s*([^\n]+)/i, /Therefore,?\s*(?:the answer is)?\s*([^\n]+)/i];
const number = /-?\d+\.?\d*/g;

/** What follows `Final Answer:`, `####` and the like; undefined where none is there. */
export function markedAnswer(text: string): string | undefined {
  for (const mark of marks) {
    const found = mark.exec(text)?.[1]!.trim();
    if (found) return found;
  }
  return undefined;
}

/** The marked answer, or else the last number of the last line that has one. */
export function extractAnswer(text: string): string | undefined {
  const marked = markedAnswer(text);
  if (marked !== undefined) return marked;
  for (const line of text.split("\n").reverse()) {
    const last = line.match(number)?.at(-1);
    if (last !== undefined) return last;
  }
  return undefined;
}

/** The same first number within the tolerance, or, where one of the two has none, the same text without regard to case. */
export function compareAnswers(found: string, truth: string, tolerance: number): boolean {
  const [a, b] = [plain(found), plain(truth)];
  const [x, y] = [a.match(number)?.[0], b.match(number)?.[0]];
  if (x !== undefined && y !== undefined) return Math.abs(Number(x) - Number(y)) < tolerance;
  return a.toLowerCase() === b.toLowerCase();
}

const plain = (text: string): string => text.replaceAll(/[,$%]/g, "").trim();

/**
 * 1 for a right answer and 0 for a wrong one. To be changed by subclassing: `extractAnswer`, `compareAnswers`, or `call` for
 * the whole of it.
 */
export class MathRewardFunction implements RewardFunction {
  readonly tolerance: number;

  /** @throws RewardError for a tolerance that is none. */
  constructor({ tolerance = 1e-4 }: { tolerance?: number } = {}) {
    if (!(tolerance >= 0)) throw new RewardError({ where: "MathRewardFunction", what: "tolerance", got: String(tolerance), expected: "a number from 0 on" });
    this.tolerance = tolerance;
  }

  /** The answer in a completion; undefined where there is none. */
  extractAnswer(text: string): string | undefined {
    return extractAnswer(text);
  }

  compareAnswers(found: string, truth: string): boolean {
    return compareAnswers(found, truth, this.tolerance);
  }

  /** One score a completion; null where the row has no answer to compare with. */
  call(completions: readonly string[], columns: RewardColumns): Reads {
    const truths = groundTruths(columns, completions.length);
    return completions.map((completion, i) => {
      const truth = truths[i];
      if (truth === undefined || truth === null || String(truth).trim() === "") return null;
      const found = this.extractAnswer(completion);
      return Number(found !== undefined && this.compareAnswers(found, String(truth)));
    });
  }

  /** What of verlet's it is in a YAML; undefined for a subclass, which only a script has. */
  get parts(): readonly RewardPart[] | undefined {
    return Object.getPrototypeOf(this) === MathRewardFunction.prototype ? [{ name: "agents/accuracy", options: { tolerance: this.tolerance }, weight: 1 }] : undefined;
  }
}

/** @throws RewardError where there are none, or not one a completion. */
export function groundTruths(columns: RewardColumns, count: number): readonly unknown[] {
  const truths = columns.ground_truth ?? columns.groundTruth;
  if (truths === undefined) {
    throw new RewardError({ where: "ground_truth", what: "there is nothing to compare with (ground_truth必须在数据集中提供)", got: `columns ${Object.keys(columns).join(", ") || "none"}`, expected: "a column ground_truth", fix: "Add it to the data set, or name the column: columns: { answer: … }" });
  }
  if (truths.length !== count) throw new RewardError({ where: "ground_truth", what: "the lists differ in length", got: `${truths.length} answers for ${count} completions`, expected: "one answer a completion" });
  return truths;
}
