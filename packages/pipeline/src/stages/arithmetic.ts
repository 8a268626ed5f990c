import { join } from "node:path";
import { z, type Metrics } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { readRows, writeArithmetic, writeTinyModelFolder, type ArithmeticOptions } from "@verlet/data";
import type { StageKind } from "../stage-kind.js";

const count = (): z.ZodOptional<z.ZodInt> => z.int().min(1).optional();

const options = z.strictObject({
  seed: z.int().min(0).optional().describe("The same seed gives the same bytes; 7 by default."),
  sft: count().describe("Demonstrations; 4000 by default."),
  rl: count().describe("Questions to reward; 1000 by default."),
  test: count().describe("Questions to test with; 500 by default."),
  forgetPercent: z.number().min(0).max(100).optional().describe("Demonstrations that drop the carry, of 100; 70 by default."),
});

const splits = ["sft", "rl", "test"] as const;

/** The quickstart's additions and its untrained model, for a pipeline that runs anywhere. */
export const arithmetic: StageKind<z.output<typeof options>> = {
  name: "arithmetic",
  doc: "Makes the quickstart's additions, and a small model folder to train from random weights.",
  options,
  outputs: "sft, rl, test: files of rows; model: for another stage's `model:`",
  prepare: async (given, { folder }) => {
    const paths = Object.fromEntries(splits.map((split) => [split, join(folder, `${split}.jsonl`)])) as Record<(typeof splits)[number], string>;
    const model = join(folder, "model");
    return {
      settings: JSON.parse(JSON.stringify(given)),
      files: [],
      outputs: { ...paths, model: { path: model, init: "random" } },
      products: [...Object.values(paths), join(model, "config.json"), join(model, "tokenizer.json")],
      run: async ({ line }) => {
        await writeArithmetic(folder, given as ArithmeticOptions);
        await writeTinyModelFolder(model);
        await loadBuiltins();
        const metrics: Metrics = {};
        for (const split of splits) metrics[`rows/${split}`] = (await readRows(paths[split])).rows.length;
        line(`${Object.entries(metrics).map(([name, rows]) => `${rows} ${name.slice("rows/".length)}`).join(", ")} rows in ${folder}`);
        return { metrics };
      },
    };
  },
};
