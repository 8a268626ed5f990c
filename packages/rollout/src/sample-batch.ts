import { tf } from "@verlet/backend";
import { Rng, type SampledRow, type SamplingOptions } from "@verlet/core";
import { chooseTokens } from "./choose-tokens.js";
import type { Decoder } from "./decoder.js";

/** Steps between two turns of the event loop, so that Ctrl+C and timers are heard during a long rollout. */
const STEPS_PER_TURN = 16;

/** Finished rows leave once they are this share of the batch: leaving copies the cache of those that stay. */
const LEAVING_SHARE = 1 / 4;

/** A completion under way. */
interface Row {
  readonly stream: Rng;
  readonly ids: number[];
  readonly logProbs: number[];
  /** Prompt and completion, where the repetition penalty reads them. */
  readonly context: number[];
  finished: boolean;
}

/**
 * Samples one completion per prompt in one batch. Each row draws from a stream of its own, so what a row gets does not
 * depend on the rows beside it. Equal prompts are computed once; finished rows leave the batch. Stops when every row has
 * produced a stop token or `maxNewTokens`.
 * @returns ids with the stop token included, and the log-prob of each as it was sampled
 */
export async function sampleBatch(decoder: Decoder, prompts: readonly (readonly number[])[], options: SamplingOptions, rng: Rng): Promise<SampledRow[]> {
  if (prompts.length === 0) return [];
  const penalised = options.repetitionPenalty !== 1;
  const rows = prompts.map((prompt): Row => ({ stream: new Rng(rng.next()), ids: [], logProbs: [], context: penalised ? [...prompt] : [], finished: false }));
  const stops = new Set(options.stopTokenIds);

  let batch = rows;
  let logits = prefill(decoder, prompts); // [B, V]
  for (let step = 1; ; step++) {
    const uniforms = Float64Array.from(batch, ({ stream }) => stream.uniform());
    const choice = chooseTokens(logits, options, uniforms, batch.map(({ context }) => context));
    logits.dispose();
    batch.forEach((row, i) => {
      if (row.finished) return;
      const id = choice.ids[i]!;
      row.ids.push(id);
      row.logProbs.push(choice.logProbs[i]!);
      if (penalised) row.context.push(id);
      row.finished = stops.has(id);
    });
    const going = Int32Array.from(batch.keys()).filter((i) => !batch[i]!.finished);
    if (step >= options.maxNewTokens || going.length === 0) break;
    if (step % STEPS_PER_TURN === 0) await new Promise((resume) => setImmediate(resume));
    if (batch.length - going.length < batch.length * LEAVING_SHARE) {
      logits = decoder.step(choice.ids);
      continue;
    }
    decoder.select(going);
    batch = Array.from(going, (i) => batch[i]!);
    logits = decoder.step(going.map((i) => choice.ids[i]!));
  }
  return rows.map(({ ids, logProbs, finished }) => ({ ids, logProbs: Float32Array.from(logProbs), finished }));
}

/** Logits after each prompt, [B, V]; equal prompts are computed once. */
function prefill(decoder: Decoder, prompts: readonly (readonly number[])[]): tf.Tensor2D {
  const places = new Map<string, number>();
  const unique: (readonly number[])[] = [];
  const sources = Int32Array.from(prompts, (prompt) => {
    const key = prompt.join();
    if (!places.has(key)) places.set(key, unique.push(prompt) - 1);
    return places.get(key)!;
  });
  const width = Math.max(...unique.map((ids) => ids.length));
  const padding = Int32Array.from(unique, (ids) => width - ids.length);
  const ids = new Int32Array(unique.length * width);
  unique.forEach((prompt, row) => ids.set(prompt, row * width + padding[row]!));

  const logits = decoder.prefill(ids, unique.length, width, padding);
  if (unique.length === prompts.length) return logits;
  decoder.select(sources);
  const copied = tf.tidy(() => tf.gather(logits, tf.tensor1d(sources, "int32")));
  logits.dispose();
  return copied;
}
