/** Where the quickstart's files lie. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError } from "@verlet/core";
import { writeArithmetic, writeTinyModelFolder } from "@verlet/data";

const MARKER = ".made-by-quickstart";

export interface Layout {
  root: string;
  /** sft.jsonl, rl.jsonl, test.jsonl */
  data: string;
  /** config.json and tokenizer; no weights. */
  model: string;
  sft: string;
  grpo: string;
}

export function layoutOf(root: string): Layout {
  return { root, data: join(root, "data"), model: join(root, "model"), sft: join(root, "sft"), grpo: join(root, "grpo") };
}

/**
 * Empties the folder of an earlier quickstart and writes data and model anew.
 * @throws CheckpointError for a folder with anything else in it.
 */
export async function prepareFiles(layout: Layout): Promise<void> {
  const present: string[] = await readdir(layout.root).catch(() => []);
  if (present.length > 0 && !present.includes(MARKER)) {
    throw new CheckpointError({
      where: layout.root,
      what: "this folder holds something that the quickstart did not make",
      got: present.slice(0, 6).join(", "),
      expected: "no folder, an empty one, or that of an earlier quickstart",
      fix: "Give another one with --output",
    });
  }
  await rm(layout.root, { recursive: true, force: true });
  await mkdir(layout.root, { recursive: true });
  await writeFile(join(layout.root, MARKER), "The next quickstart in this folder deletes it and starts over.\n");
  await writeArithmetic(layout.data);
  await writeTinyModelFolder(layout.model);
}
