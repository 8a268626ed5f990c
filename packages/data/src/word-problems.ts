import { fileURLToPath } from "node:url";

/**
 * The file of a small set of word problems in GSM8K's layout (`question`, and `answer` with its working and `#### n`): 40 rows
 * to train on, 12 to test with.
 */
export function wordProblems(split: "train" | "test"): string {
  return fileURLToPath(new URL(`../assets/word-problems/${split}.jsonl`, import.meta.url));
}
