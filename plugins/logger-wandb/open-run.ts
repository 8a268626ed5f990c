import { setTimeout } from "node:timers/promises";
import type { WandbInit, WandbRun, WandbSdk } from "./wandb-sdk.js";

/** On which the SDK listens. */
const EXITS = ["beforeExit", "SIGTERM", "SIGINT"] as const;

/** Milliseconds that the SDK's channels need to close. */
const CLOSING = 500;

/**
 * Opens a run, without what the SDK does to the process beside it:
 * - its handlers of Ctrl+C and SIGTERM end the process in the middle of a step, before verlet has saved: they are removed;
 * - what the server refuses is thrown where nobody can catch it: while the run opens, that is its failure;
 * - a server that does not answer is waited for without end: after `seconds` that is a failure too.
 * @throws Error with the reason.
 */
export async function openRun(sdk: WandbSdk, init: WandbInit, seconds = 60): Promise<WandbRun> {
  const before = EXITS.map((event) => process.rawListeners(event));
  const added = () => EXITS.flatMap((event, i) => process.rawListeners(event).filter((one) => !before[i]!.includes(one)).map((listener) => ({ event, listener })));
  const stop = new AbortController();
  let fail!: (reason: Error) => void;
  const thrown = new Promise<never>((_, reject) => (fail = reject));
  const late = setTimeout(seconds * 1000, undefined, { signal: stop.signal }).then(() => Promise.reject(new Error(`no answer within ${seconds} s`)));
  process.on("uncaughtException", fail);
  try {
    return await Promise.race([sdk.init(init), thrown, late]);
  } catch (cause) {
    // Its own way of closing what it has opened, which would keep the process alive.
    for (const { event, listener } of added()) if (event === "beforeExit") (listener as () => void)();
    await setTimeout(CLOSING);
    const reason = (cause as Error).message;
    throw new Error(`Weights & Biases opened no run of project ${init.project} (${reason}), for which WANDB_API_KEY, project and entity must fit`, { cause });
  } finally {
    stop.abort();
    process.off("uncaughtException", fail);
    for (const { event, listener } of added()) process.off(event, listener as () => void);
  }
}
