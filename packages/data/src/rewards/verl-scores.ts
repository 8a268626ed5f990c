/** What a VERL-style reward manager returns. */
import { RewardError, showValue } from "@verlet/core";

/** A number for each token of each row: lists, or a tensor [B, C], which is disposed of once it is read. */
export type TokenRewards = readonly (readonly number[])[] | { array(): Promise<unknown>; dispose(): void };
/** One score a row, null for one that cannot be scored, or token rewards, whose sum over a row is its score. */
export type RowScores = readonly (number | null)[] | TokenRewards;
/** Scores alone, or with further values of each row, of which numbers and booleans are measured. */
export type VerlScores = RowScores | { readonly rewardTensor: RowScores; readonly rewardExtraInfo?: Readonly<Record<string, readonly unknown[]>> };

export interface ReadScores {
  /** [B] */
  scores: (number | null)[];
  extras: Record<string, number[]>;
}

/** @throws RewardError for anything but one score a row. */
export async function readVerlScores(where: string, returned: unknown, rows: number): Promise<ReadScores> {
  const { rewardTensor, rewardExtraInfo = {} } = hasScores(returned) ? returned : { rewardTensor: returned };
  const list = await asList(rewardTensor);
  const expected = `one finite number or null for each of ${rows} rows, or a list of numbers for each`;
  if (!Array.isArray(list)) throw new RewardError({ where, what: "it returned no scores", got: showValue(list), expected });
  if (list.length !== rows) throw new RewardError({ where, what: "it returned the wrong number of scores", got: String(list.length), expected });
  const scores = list.map((value: unknown, row) => {
    const score = Array.isArray(value) ? value.reduce<number>((sum, token) => sum + Number(token), 0) : value;
    if (score === null || (typeof score === "number" && Number.isFinite(score))) return score;
    throw new RewardError({ where, what: `it returned no score for row ${row + 1}`, got: showValue(score), expected });
  });
  const extras = Object.entries(rewardExtraInfo).map(([key, values]): [string, number[]] => [key, values.filter((value) => typeof value === "number" || typeof value === "boolean").map(Number).filter(Number.isFinite)]);
  return { scores, extras: Object.fromEntries(extras) };
}

function hasScores(value: unknown): value is { rewardTensor: unknown; rewardExtraInfo?: Record<string, readonly unknown[]> } {
  return typeof value === "object" && value !== null && "rewardTensor" in value;
}

async function asList(value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null || !("array" in value) || typeof value.array !== "function") return value;
  const tensor = value as { array(): Promise<unknown>; dispose?(): void };
  const list = await tensor.array();
  tensor.dispose?.();
  return list;
}
