/** `expect:` of a stage: bounds on what it measured, which the next stage waits for. */
import { nearest, TrainingError, z, type Metrics } from "@verlet/core";
import type { StageRecord } from "./records.js";

const METRIC = /^\$\{stages\.([\w-]+)\.metrics\.([^{}]+)\}$/;

const bound = z
  .union([z.number(), z.string()])
  .refine((value) => typeof value === "number" || METRIC.test(value), { message: "a number, or ${stages.<name>.metrics.<metric>}" })
  .optional();

export const expectationsSchema = z.record(
  z.string().min(1),
  z
    .strictObject({
      min: bound.describe("At least this, a number or another stage's metric."),
      max: bound.describe("At most this."),
    })
    .refine(({ min, max }) => min !== undefined || max !== undefined, { message: "`min`, `max` or both" }),
);

/** Bounds by the metric's name. A bound is a number, or `${stages.<name>.metrics.<metric>}` of an earlier stage. */
export type Expectations = Readonly<z.output<typeof expectationsSchema>>;

/** The stage and metric that a bound refers to. */
export function metricReference(bound: number | string | undefined): { stage: string; metric: string } | undefined {
  const [, stage, metric] = typeof bound === "string" ? (METRIC.exec(bound) ?? []) : [];
  return stage === undefined ? undefined : { stage, metric: metric! };
}

export interface CheckedExpectation {
  metric: string;
  measured: number;
  min?: number;
  max?: number;
  met: boolean;
}

/**
 * Compares a stage's metrics with what is expected of them.
 * @throws TrainingError for a metric that was not measured.
 */
export function checkExpectations(name: string, expect: Expectations, metrics: Metrics, records: readonly StageRecord[]): CheckedExpectation[] {
  const value = (bound: number | string | undefined): number | undefined => {
    const reference = metricReference(bound);
    if (!reference) return bound as number | undefined;
    return measured(reference.stage, reference.metric, records.find(({ stage }) => stage === reference.stage)!.metrics);
  };
  return Object.entries(expect).map(([metric, bounds]) => {
    const [got, min, max] = [measured(name, metric, metrics), value(bounds.min), value(bounds.max)];
    const met = (min === undefined || got >= min) && (max === undefined || got <= max);
    return { metric, measured: got, ...(min !== undefined && { min }), ...(max !== undefined && { max }), met };
  });
}

function measured(stage: string, metric: string, metrics: Metrics): number {
  const value = metrics[metric];
  if (value !== undefined) return value;
  const near = nearest(metric, Object.keys(metrics));
  throw new TrainingError({
    where: `stage ${stage}`,
    what: `it did not measure \`${metric}\`, for which there is an expectation`,
    got: Object.keys(metrics).join(", ") || "no metrics",
    expected: "one of its metrics",
    fix: near ? `Did you mean \`${near}\`?` : "Name one of these under `expect`",
  });
}

/** `0.012, expected at least 0.3`, for messages. @throws TrainingError for the first one that is not met. */
export function requireMet(stage: string, checked: readonly CheckedExpectation[]): void {
  const failed = checked.filter(({ met }) => !met);
  if (failed.length === 0) return;
  throw new TrainingError({
    where: `stage ${stage}`,
    what: "the pipeline stops here: what was measured is not what is expected",
    got: failed.map(({ metric, measured }) => `${metric} ${measured}`).join(", "),
    expected: failed.map(({ metric, ...bounds }) => `${metric} ${describeBounds(bounds)}`).join(", "),
    fix: `Change what leads to it, or stages.${stage}.expect, and run the same command: stages that this does not touch are not repeated`,
  });
}

/** `at least 0.3`, `from 0 to 1`. */
export function describeBounds({ min, max }: { min?: number | string; max?: number | string }): string {
  if (min !== undefined && max !== undefined) return `from ${min} to ${max}`;
  return min !== undefined ? `at least ${min}` : `at most ${max}`;
}
