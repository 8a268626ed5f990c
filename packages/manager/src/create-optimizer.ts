import type { CompanionOptions, Parameter } from "@verlet/core";
import type { OptimizerSection } from "@verlet/config";
import { isDecayed } from "@verlet/model";
import { AdamW } from "@verlet/optim";
import { CountedOptimizer } from "./counted-optimizer.js";
import { warmUpSteps } from "./warm-up.js";

/** AdamW as the `optimizer` section sets it, but for what `own` sets. */
export function createOptimizer(parameters: readonly Parameter[], section: OptimizerSection, steps: number, own: CompanionOptions = {}): CountedOptimizer {
  const { schedule, ...options } = section;
  const { totalSteps = steps, ...rates } = own;
  const overrides = Object.fromEntries(Object.entries(rates).filter(([, value]) => value !== undefined));
  const warmupSteps = warmUpSteps(schedule, totalSteps);
  return new CountedOptimizer(new AdamW(parameters, { ...options, ...overrides, schedule: { name: schedule.name, warmupSteps, totalSteps }, isDecayed }));
}
