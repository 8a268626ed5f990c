import { graphBackend, type GraphBackend } from "../compile/graph-binding.js";
import { StepSession } from "./session.js";
import { TraceStore } from "./trace-store.js";

/** Courses that are kept: one for each shape of a batch, for each kind of step. */
const LIMIT = 64;

let running: StepSession | undefined;
let store: { backend: GraphBackend; traces: TraceStore } | undefined;
const counts = { replayed: 0, recorded: 0, singleOps: 0 };

/**
 * Runs a computation that is done again and again, such as the forward and backward pass of a training step: from its
 * second time on as one TensorFlow function, where the backend can do that (native, set up by `verlet setup`).
 *
 * The computation needs no special form. Its JavaScript runs each time, but while it asks TensorFlow for the same ops as
 * before, on tensors of the same shapes, nothing is computed until the end; numbers that it brings from the host enter the
 * function as inputs. Where it does something new it goes on op by op, and that course is known the next time. A value
 * that it reads ends the part that runs as one.
 * @returns what `compute` returns; tensors that it leaves are computed
 */
export function replayed<T>(compute: () => T): T {
  const backend = !running ? graphBackend() : undefined;
  if (!backend) return compute();
  if (store?.backend !== backend) store = { backend, traces: new TraceStore(LIMIT) };
  const session = new StepSession(backend, store.traces);
  running = session;
  try {
    let result: T;
    try {
      result = compute();
    } catch (error) {
      session.abandon();
      throw error;
    }
    session.close();
    counts[session.replayed ? "replayed" : "recorded"] += 1;
    counts.singleOps += session.single;
    return result;
  } finally {
    running = undefined;
  }
}

/**
 * Ends the part of the computation that runs as one, if there is one: what follows goes op by op. For work of which a piece
 * may be in memory at a time, which a function would begin all at once.
 */
export const endReplay = (): void => running?.end();

/** How many computations ran as one function, how many op by op while they were written down, and ops executed one by one in either. */
export const replayCounts = (): Readonly<typeof counts> => ({ ...counts });
