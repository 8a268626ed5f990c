/** Exit status of a process that Ctrl+C ended, as shells know it. */
export const INTERRUPTED_EXIT_CODE = 130;

export interface Interrupt {
  /** Aborted by the first Ctrl+C (SIGINT), SIGTERM, or the caller's own signal. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  dispose(): void;
}

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
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
    request();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  outer?.addEventListener("abort", request);
  if (outer?.aborted) request();
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", onSignal);
      process.off("SIGTERM", onSignal);
      outer?.removeEventListener("abort", request);
    },
  };
}
