import { join } from "node:path";
import { writeRows } from "../model-folder.mjs";
import { shapes } from "../shapes.mjs";
import { given } from "./process.mjs";
import { train } from "./train.mjs";

const { rows, width, warm, steps, work, model } = given;
const file = join(work, "train.jsonl");
await writeRows(file, { column: "text", rows: rows * (warm + steps), width, vocabulary: shapes[model].config.vocab_size });
await train(
  {
    algorithm: "sft",
    data: { train: file, maxLength: width }, // the end token that would come after the last word is cut off
    optimizer: { learningRate: 1e-4 },
    trainer: { batchSize: rows },
  },
  { tokens: rows * width, expected: { num_tokens: rows * width } },
);
