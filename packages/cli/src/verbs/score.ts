import { tf } from "@verlet/backend";
import { collate } from "@verlet/data";
import type { CausalLM } from "@verlet/model";
import { readInputRows } from "../input-rows.js";
import { findFolders, openModel } from "../open-model.js";
import type { JsonFlag, ModelFlags } from "../options.js";
import { float32, printJson, progress } from "../output.js";
import { readScoredRow, type ScoredTokens } from "../scored-row.js";

export interface ScoreFlags extends ModelFlags, JsonFlag {
  input?: string;
  temperature: number;
  batchSize: number;
}

export async function score(flags: ScoreFlags): Promise<void> {
  const { batchSize, temperature } = flags;
  const folders = await findFolders(flags);
  const { rows, where } = await readInputRows(flags.input);
  const { model, tokenizer } = await openModel(folders, flags.backend);
  const all = rows.map((row, i) => readScoredRow(row, tokenizer, model.config.vocabSize, where(i)));
  for (let start = 0; start < all.length; start += batchSize) {
    progress(`${start} of ${all.length} rows`);
    const batch = all.slice(start, start + batchSize);
    const logProbs = logProbsOf(model, batch, temperature, tokenizer.padTokenId);
    progress("");
    batch.forEach(({ ids, scored }, i) => {
      const sum = logProbs[i]!.reduce((total, value) => total + value, 0);
      printJson({ token_ids: scored.map((t) => ids[t]), logprobs: logProbs[i]!.map(float32), sum });
    });
  }
  model.dispose();
}

/** The log-probs of each row's scored tokens, in one pass. */
function logProbsOf(model: CausalLM, batch: readonly ScoredTokens[], temperature: number, padId: number): number[][] {
  const tokens = collate(batch.map(({ ids }) => ids), padId);
  const positions = Int32Array.from(batch.flatMap(({ scored }, row) => scored.map((t) => row * tokens.width + t)));
  if (positions.length === 0) return batch.map(() => []);
  const values = tf.tidy(() => model.logProbs(tokens, { positions }, { temperature }).logProbs.dataSync());
  let next = 0;
  return batch.map(({ scored }) => Array.from(values.slice(next, (next += scored.length))));
}
