/** Rows of random tokens, for measuring where there is no data. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ResolvedConfig } from "@verlet/config";
import { registry, Rng, type ChatTokenizer } from "@verlet/core";

/** Tokens are drawn from the first so many ids, all of which are text in every tokenizer. */
const IDS = 200;
const ROWS = 64;

export interface RandomRows {
  /** Makes a configuration read them. */
  overrides: string[];
  remove(): Promise<void>;
}

/** Rows of `tokens` tokens each: text for SFT, else prompts with an answer to compare with. */
export async function writeRandomRows(tokenizer: ChatTokenizer, { algorithm, data }: ResolvedConfig, tokens: number): Promise<RandomRows> {
  const folder = await mkdtemp(join(tmpdir(), "verlet-bench-"));
  const samples = registry.get("trainer", algorithm.name).uses.includes("rollout");
  const rng = new Rng(1);
  // A text may come back as fewer or more tokens than it was made of: more are drawn, and what is too many is cut.
  const text = (): string => {
    let drawn = "";
    while (tokenizer.encode(drawn).length < tokens) drawn += tokenizer.decode(Array.from({ length: tokens }, () => rng.below(IDS)), { skipSpecialTokens: true });
    return samples ? tokenizer.decode(tokenizer.encode(drawn).slice(0, tokens)) : drawn;
  };
  const answer = data.columns.answer ?? "answer";
  const rows = Array.from({ length: ROWS }, () => (samples ? { prompt: text(), [answer]: "0" } : { text: text() }));
  const file = join(folder, "rows.jsonl");
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const columns = JSON.stringify(samples ? { prompt: "prompt", completion: null, messages: null } : { text: "text", prompt: null, completion: null, messages: null });
  return {
    overrides: [
      `data.train=${JSON.stringify(file)}`,
      "data.eval=null",
      `data.columns=${columns}`,
      "data.chatTemplate=auto",
      ...(samples ? [`data.maxPromptTokens=${2 * tokens}`] : [`data.maxLength=${tokens}`, "data.trainOn=auto"]),
    ],
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
