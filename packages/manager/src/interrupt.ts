/** Exit status of a process that Ctrl+C ended, as shells know it. */
export const INTERRUPTED_EXIT_CODE = 130;

export interface Interrupt {
  /** Aborted by the first Ctrl+C (SIGINT), SIGTERM, or the caller's own signal. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  dispose(): void;
}

const signals = ["SIGINT", "SIGTERM"] as const;

/** Who listens now: a run, and perhaps what was begun before it. All hear the same Ctrl+C. */
const listening = new Set<{ aborted(): boolean; request(): void }>();

const onSignal = (): void => {
  const all = [...listening];
  if (all.some((one) => one.aborted())) process.exit(INTERRUPTED_EXIT_CODE);
  for (const one of all) one.request();
};

/**
 * The first signal asks the run to end after its step; a second one ends the process at once.
 * @param onRequest called on the first one, to tell the user.
 */
export function listenForInterrupt(outer: AbortSignal | undefined, onRequest: () => void): Interrupt {
  const controller = new AbortController();
  const request = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    onRequest();
  };
  const listener = { aborted: () => controller.signal.aborted, request };
  if (listening.size === 0) for (const name of signals) process.on(name, onSignal);
  listening.add(listener);
  outer?.addEventListener("abort", request);
  if (outer?.aborted) request();
  return {
    signal: controller.signal,
    dispose: () => {
      listening.delete(listener);
      if (listening.size === 0) for (const name of signals) process.off(name, onSignal);
      outer?.removeEventListener("abort", request);
    },
  };
}
