import { Rng, type SampledRow, type SamplingOptions } from "@verlet/core";
import { chooseTokens } from "./choose-tokens.js";
import type { Decoder } from "./decoder.js";

/** Steps between two turns of the event loop, so that Ctrl+C and timers are heard during a long rollout. */
const STEPS_PER_TURN = 16;

/**
 * Samples one completion per prompt in one batch. Each row draws from a stream of its own, so what a row gets does not
 * depend on the rows beside it. Stops when every row has produced a stop token or `maxNewTokens`.
 * @returns ids with the stop token included, and the log-prob of each as it was sampled
 */
export async function sampleBatch(decoder: Decoder, prompts: readonly (readonly number[])[], options: SamplingOptions, rng: Rng): Promise<SampledRow[]> {
  const rows = prompts.length;
  if (rows === 0) return [];
  const streams = prompts.map(() => new Rng(rng.next()));
  const width = Math.max(...prompts.map((ids) => ids.length));
  const padding = Int32Array.from(prompts, (ids) => width - ids.length);
  const ids = new Int32Array(rows * width);
  prompts.forEach((prompt, row) => ids.set(prompt, row * width + padding[row]!));

  const stops = new Set(options.stopTokenIds);
  const chosen: number[][] = prompts.map(() => []);
  const logProbs: number[][] = prompts.map(() => []);
  const contexts = options.repetitionPenalty === 1 ? [] : prompts.map((prompt) => [...prompt]);
  const finished = new Array<boolean>(rows).fill(false);

  let logits = decoder.prefill(ids, rows, width, padding); // [B, V]
  for (let step = 1; ; step++) {
    const uniforms = Float64Array.from(streams, (stream) => stream.uniform());
    const choice = chooseTokens(logits, options, uniforms, contexts);
    logits.dispose();
    for (let row = 0; row < rows; row++) {
      if (finished[row]) continue;
      const id = choice.ids[row]!;
      chosen[row]!.push(id);
      contexts[row]?.push(id);
      logProbs[row]!.push(choice.logProbs[row]!);
      finished[row] = stops.has(id);
    }
    if (step >= options.maxNewTokens || finished.every(Boolean)) break;
    if (step % STEPS_PER_TURN === 0) await new Promise((resume) => setImmediate(resume));
    logits = decoder.step(choice.ids);
  }
  return chosen.map((tokens, row) => ({ ids: tokens, logProbs: Float32Array.from(logProbs[row]!), finished: finished[row]! }));
}
