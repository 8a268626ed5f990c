import type { Json, Metrics } from "@verlet/core";

/** What the manager itself remembers over a stop. */
export interface Progress {
  /** The last step's metrics. */
  metrics: Metrics;
  /** The last evaluation's, named `eval/…`, and the step it was made after. */
  evaluation?: { step: number; metrics: Metrics };
  /** The step of the last rollouts file. */
  rolloutsAt: number;
  /** The best value of `trainer.keepBest.metric` so far. */
  best?: number;
}

export function newProgress(): Progress {
  return { metrics: {}, rolloutsAt: 0 };
}

export function progressToJson(progress: Progress): Json {
  return JSON.parse(JSON.stringify(progress)) as Json;
}

export function progressFromJson(json: Json): Progress {
  return json as unknown as Progress;
}
