/** How the learning rate moves over a run, as transformers' `get_scheduler` defines it. */
export type ScheduleName = "constant" | "linear" | "cosine";

export interface ScheduleOptions {
  name: ScheduleName;
  warmupSteps: number;
  totalSteps: number;
}

type Shape = (progress: number) => number;

/** After warm-up: progress goes from 0 to 1 at the last step, and past it on a run that is extended. */
const shapes: Readonly<Record<ScheduleName, Shape>> = {
  constant: () => 1,
  linear: (progress) => Math.max(0, 1 - progress),
  cosine: (progress) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress))),
};

export const scheduleNames = Object.keys(shapes) as ScheduleName[];

/** The factor on the base learning rate during optimizer step `index` (from 0). With warm-up the first step's is 0. */
export function scheduleFactor(index: number, { name, warmupSteps, totalSteps }: ScheduleOptions): number {
  if (index < warmupSteps) return index / Math.max(1, warmupSteps);
  return shapes[name]((index - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
}
