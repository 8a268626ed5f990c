/**
 * Two-digit additions with their working, for the quickstart: the questions to reward (`rl`, `test`) have the right
 * solution, the demonstrations (`sft`) come from an annotator who forgets the carry in a part of the rows.
 * The same seed gives the same bytes on every machine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError, Rng } from "@verlet/core";

export interface ArithmeticOptions {
  seed?: number;
  /** Rows of each split; no question is in two of them. */
  test?: number;
  rl?: number;
  sft?: number;
  /** Of 100 demonstrations, how many drop the carry. */
  forgetPercent?: number;
}

export type ArithmeticRow = {
  /** `47+38=?` */
  question: string;
  /** `7+8=15, 4+3=7, 7+1=8 #### 85` */
  solution: string;
  /** The right sum, whatever the solution says. */
  answer: string;
  carry: boolean;
};

export type ArithmeticSplits = Record<"test" | "rl" | "sft", ArithmeticRow[]>;

/** @throws DataError when more rows are asked for than there are questions. */
export function makeArithmetic({ seed = 7, test = 500, rl = 1000, sft = 4000, forgetPercent = 70 }: ArithmeticOptions = {}): ArithmeticSplits {
  const rng = new Rng(seed);
  const pairs = rng.shuffle(drawPairs(rng));
  const wanted = test + rl + sft;
  if (wanted > pairs.length) {
    throw new DataError({
      where: "arithmetic",
      what: "more rows than there are questions",
      got: `${wanted} rows`,
      expected: `at most ${pairs.length} with seed ${seed}`,
    });
  }
  return {
    test: pairs.slice(0, test).map((pair) => makeRow(pair, false)),
    rl: pairs.slice(test, test + rl).map((pair) => makeRow(pair, false)),
    sft: pairs.slice(test + rl, wanted).map((pair) => makeRow(pair, rng.below(100) < forgetPercent)),
  };
}

/** Writes test.jsonl, rl.jsonl and sft.jsonl; returns their paths. */
export async function writeArithmetic(folder: string, options: ArithmeticOptions = {}): Promise<Record<keyof ArithmeticSplits, string>> {
  const splits = makeArithmetic(options);
  await mkdir(folder, { recursive: true });
  const write = async (split: keyof ArithmeticSplits): Promise<string> => {
    const path = join(folder, `${split}.jsonl`);
    await writeFile(path, splits[split].map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  };
  return { test: await write("test"), rl: await write("rl"), sft: await write("sft") };
}

type Pair = readonly [a: number, b: number];

const hasCarry = ([a, b]: Pair): boolean => (a % 10) + (b % 10) >= 10;

/** All pairs with a carry and half of the others. */
function drawPairs(rng: Rng): Pair[] {
  const pairs: Pair[] = [];
  for (let a = 10; a <= 99; a++) {
    for (let b = 10; b <= 99; b++) {
      if (hasCarry([a, b]) || rng.below(100) < 50) pairs.push([a, b]);
    }
  }
  return pairs;
}

function makeRow([a, b]: Pair, forget: boolean): ArithmeticRow {
  const carry = hasCarry([a, b]);
  const units = (a % 10) + (b % 10);
  const tens = Math.floor(a / 10) + Math.floor(b / 10);
  const carried = carry && !forget;
  const steps = [`${a % 10}+${b % 10}=${units}`, `${Math.floor(a / 10)}+${Math.floor(b / 10)}=${tens}`];
  if (carried) steps.push(`${tens}+1=${tens + 1}`);
  const result = (carried ? tens + 1 : tens) * 10 + (units % 10);
  return { question: `${a}+${b}=?`, solution: `${steps.join(", ")} #### ${result}`, answer: String(a + b), carry };
}
