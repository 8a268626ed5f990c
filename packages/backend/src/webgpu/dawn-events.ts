/**
 * Dawn under Node has no thread that completes what was asked of the GPU: its addon hands a callback to the global
 * `setImmediate`, and each call of that callback polls the GPU once and asks for the next. Here the callbacks are kept
 * instead, so that a reader can poll until its buffer is there without going back to the event loop: this is what
 * makes synchronous reads possible, which WebGPU itself does not offer.
 */
export class DawnEvents {
  #waiting: (() => void)[] = [];

  /** Runs a call of the addon. Every call that starts something asynchronous has to go through here. */
  call<T>(addon: () => T): T {
    const own = globalThis.setImmediate;
    globalThis.setImmediate = ((callback: () => void) => void this.#waiting.push(callback)) as unknown as typeof setImmediate;
    try {
      return addon();
    } finally {
      globalThis.setImmediate = own;
    }
  }

  /** Polls the GPU once. @returns false where nothing is under way */
  poll(): boolean {
    const due = this.#waiting;
    this.#waiting = [];
    for (const callback of due) this.call(callback);
    return due.length > 0;
  }

  /** Polls once in each round of the event loop until the promise of an addon's call is settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const finish = (): void => void (settled = true);
    promise.then(finish, finish);
    while (!settled) {
      this.poll();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }

  /**
   * Polls until `done`, blocking the thread.
   * @returns false where the addon has stopped polling before
   */
  block(done: () => boolean): boolean {
    const start = performance.now();
    while (!done()) {
      if (!this.poll()) return done();
      // The GPU may need the processor's time more than the poll does; a short wait first costs decoding nothing.
      if (performance.now() - start > SPIN_MS) Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
    return true;
  }
}

const SPIN_MS = 0.5;
const PAUSE_MS = 0.1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
