/** Calls user code that may throw, hang or return nonsense. */
import type { ConfiguredReward, RewardContext } from "@verlet/core";

/** Why a call gave no usable result: the words for `what` and `got` of an error. */
export interface CallFailure {
  what: string;
  got?: string;
  expected?: string;
  fix?: string;
  cause?: unknown;
}

export type CallResult<T> = { value: T } | { failure: CallFailure };

export interface CallContext {
  step: number;
  /** Aborted when the run is stopped. */
  signal: AbortSignal;
}

type Log = NonNullable<RewardContext["log"]>;

/** setTimeout takes no more than this, in ms: 24 days. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * One call with the reward's timeout; the signal it gets is aborted when the time is over. A call that never gives control
 * back (an endless loop) cannot be timed out.
 * @throws the run's abort reason when the call failed because the run was stopped.
 */
export async function guardedCall<T>(
  { options, timeout }: Pick<ConfiguredReward, "options" | "timeout">,
  { step, signal, log }: CallContext & { log: Log },
  call: (context: RewardContext) => T | Promise<T>,
): Promise<CallResult<T>> {
  const controller = new AbortController();
  const release = follow(signal, controller);
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<CallResult<T>>((resolve) => {
    timer = setTimeout(() => {
      const fix = "Raise its timeout, make it faster, or set onError: skip";
      resolve({ failure: { what: "it took too long", got: `no result after ${timeout} s`, fix } });
      controller.abort(new Error(`the reward took longer than ${timeout} s`));
    }, Math.min(timeout * 1000, MAX_DELAY));
  });
  const attempt = async (): Promise<CallResult<T>> => {
    try {
      return { value: await call({ options, step, signal: controller.signal, log }) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return { failure: { what: `it threw: ${error instanceof Error ? error.message : String(error)}`, cause: error } };
    }
  };
  try {
    return await Promise.race([attempt(), deadline]);
  } finally {
    clearTimeout(timer);
    release();
  }
}

const followers = new WeakMap<AbortSignal, Set<AbortController>>();

/**
 * Aborts the controller with the signal until released. One listener serves all calls under way: one each would make Node
 * warn of a leak, and AbortSignal.any keeps every signal made from a long-lived one in some Node versions.
 */
function follow(signal: AbortSignal, controller: AbortController): () => void {
  let group = followers.get(signal);
  if (!group) {
    const all = new Set<AbortController>();
    signal.addEventListener("abort", () => all.forEach((one) => one.abort(signal.reason)), { once: true });
    followers.set(signal, (group = all));
  }
  if (signal.aborted) controller.abort(signal.reason);
  group.add(controller);
  return () => void group.delete(controller);
}

/** A reward's value must be a finite number or null. */
export function checkValue(value: unknown): CallResult<number | null> {
  if (value === null || (typeof value === "number" && Number.isFinite(value))) return { value };
  const got = typeof value === "number" ? String(value) : value === undefined ? "undefined" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
  return { failure: { what: "it returned something that is no score", got, expected: "a finite number, or null for a sample that cannot be scored" } };
}
