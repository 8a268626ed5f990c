import { scope } from "../ops/scope.js";
import { graphBackend } from "./graph-binding.js";
import { ProgramCache } from "./program-cache.js";
import { flatten, refill } from "./tensor-tree.js";
import { runProgram, trace, Untraceable } from "./trace.js";

/** A function of tensors that runs as one TensorFlow graph where the backend can do that. */
export interface Compiled<Input, Output> {
  /** @param input every tensor that the function reads. @returns results owned by the scope that is open */
  (input: Input): Output;
  /** Forgets the graphs. */
  dispose(): void;
}

export interface CompileOptions {
  /** Names the function in messages. */
  name: string;
  /** Graphs that are kept at most; the one not used for longest goes first. */
  limit?: number;
  /** Told in one line when the function has to go on op by op. */
  log?(line: string): void;
}

/**
 * Traces a function once for each shape of its inputs and from then on runs it as one TensorFlow function: on the native
 * backend there is one call in place of hundreds. Elsewhere the function runs as it is.
 *
 * The function must be pure: no random numbers, no values read, no tensors but its inputs; inputs and results are tensors in
 * plain objects and lists. A graph serves other lengths of an axis as well once a second trace, at another length, has
 * given the same graph word for word. No gradient flows through it.
 */
export function compile<Input, Output>(fn: (input: Input) => Output, { name, limit = 64, log }: CompileOptions): Compiled<Input, Output> {
  const cache = new ProgramCache<Output>(limit);
  let eager = false;
  const run = (input: Input): Output => {
    const backend = eager ? undefined : graphBackend();
    if (!backend) return scope(() => fn(input));
    const given = flatten(input);
    const known = cache.find(given);
    if (known) return refill(known.results, runProgram(backend, known.program, given.tensors));
    let results!: Output;
    try {
      const program = trace(backend, () => flatten((results = scope(() => fn(input)))).tensors, given.tensors);
      cache.add(given, { program, results }, (old) => backend.binding.removeFunction(old));
    } catch (error) {
      if (!(error instanceof Untraceable)) throw error;
      eager = true;
      log?.(`${name} runs op by op: ${error.message}`);
      return scope(() => fn(input));
    }
    return results;
  };
  return Object.assign(run, { dispose: () => cache.clear() });
}
