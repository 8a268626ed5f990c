import type { OptimizerSection, PlanLine } from "@verlet/config";

type Schedule = OptimizerSection["schedule"];

/** Steps in which the learning rate rises from 0. */
export function warmUpSteps({ warmupSteps, warmupRatio }: Schedule, totalSteps: number): number {
  return warmupSteps ?? Math.ceil(warmupRatio * totalSteps);
}

/** What the plan says of a run that ends before its learning rate has risen; step n has (n − 1) / warmUpSteps of it. */
export function warmUpLines(schedule: Schedule, totalSteps: number): PlanLine[] {
  const steps = warmUpSteps(schedule, totalSteps);
  if (steps < totalSteps || steps === 0) return [];
  const key = schedule.warmupSteps === undefined ? "warmupRatio" : "warmupSteps";
  const rate = totalSteps === 1 ? "is 0 in the only step, which changes nothing" : `never reaches optimizer.learningRate: at most ${Number(((totalSteps - 1) / steps).toPrecision(2))} of it`;
  return [{ role: "warning", text: `the learning rate ${rate}, as its warm-up takes ${steps} of ${totalSteps} steps (optimizer.schedule.${key})` }];
}
