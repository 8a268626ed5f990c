import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { RewardError } from "@verlet/core";
import type { CodeJob, CodeLimits, CodeOutcome } from "./sandbox.js";

/** What a job may take beyond its limit before its thread is ended: some of QuickJS's own functions cannot be interrupted. */
const GRACE_MS = 500;

const ENDED = "the time limit was reached, and the code had to be ended from outside";
const BROKE = "its thread broke";

interface Slot {
  worker: Worker | undefined;
}

/** A few threads with a sandbox each, started when they are first needed; idle ones do not keep the process alive. */
export class CodePool {
  readonly #idle: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];

  constructor(size: number) {
    this.#idle = Array.from({ length: size }, () => ({ worker: undefined }));
  }

  /**
   * Runs a job on the next free thread. One that does not end is ended, and all its tests have failed.
   * @throws RewardError where no thread can be started; the signal's reason when it is aborted.
   */
  async run(job: CodeJob, signal: AbortSignal): Promise<CodeOutcome> {
    const slot = this.#idle.pop() ?? (await new Promise<Slot>((resolve) => this.#waiting.push(resolve)));
    try {
      signal.throwIfAborted();
      slot.worker ??= await start(job.limits);
      signal.throwIfAborted(); // starting a thread takes a while
      const outcome = await finish(slot.worker, job, signal);
      if (typeof outcome === "object") return outcome;
      await end(slot);
      signal.throwIfAborted();
      return { failures: job.tests.map(() => outcome), loaded: false, timedOut: outcome === ENDED };
    } catch (error) {
      await end(slot);
      throw error;
    } finally {
      slot.worker?.unref();
      const next = this.#waiting.shift();
      if (next) next(slot);
      else this.#idle.push(slot);
    }
  }
}

async function start(limits: CodeLimits): Promise<Worker> {
  // Nothing of this process goes along: no environment, no flags. What the engine prints when it breaks is not for the screen.
  const worker = new Worker(new URL("./sandbox-worker.js", import.meta.url), { workerData: limits, env: {}, execArgv: [], stdout: true, stderr: true });
  try {
    await once(worker, "message");
    return worker;
  } catch (cause) {
    throw new RewardError({ where: "reward code", what: "its sandbox could not be started", got: (cause as Error).message, fix: "Install verlet's dependencies again" }, { cause });
  }
}

/** The outcome, or why there is none; a job that is no longer wanted counts as broken. */
function finish(worker: Worker, job: CodeJob, signal: AbortSignal): Promise<CodeOutcome | typeof ENDED | typeof BROKE> {
  return new Promise((resolve) => {
    const settle = (outcome: CodeOutcome | typeof ENDED | typeof BROKE): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      worker.off("message", settle).off("error", giveUp).off("exit", giveUp);
      resolve(outcome);
    };
    const giveUp = (): void => settle(BROKE);
    const timer = setTimeout(() => settle(ENDED), job.limits.milliseconds + GRACE_MS);
    signal.addEventListener("abort", giveUp, { once: true });
    worker.on("message", settle).on("error", giveUp).on("exit", giveUp);
    worker.ref();
    worker.postMessage(job);
  });
}

async function end(slot: Slot): Promise<void> {
  const { worker } = slot;
  slot.worker = undefined;
  await worker?.terminate();
}
