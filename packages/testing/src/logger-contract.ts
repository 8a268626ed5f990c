import { createComponent, type Metrics, type RunLogger, type TrainStats } from "@verlet/core";
import { describe, expect, it } from "vitest";
import { tempFolder } from "./fakes/temp-folder.js";

export interface LoggerRecord {
  step: number;
  metrics: Metrics;
}

/**
 * What every logger must do.
 * @param read the records that a logger left in a folder, for those that leave any.
 * @param make another way to make one than by its name.
 */
export function loggerContract(
  name: string,
  read?: (outputDir: string) => LoggerRecord[],
  make: () => RunLogger = () => createComponent("logger", name),
): void {
  const ended = { steps: 2, totalSteps: 2, backend: "cpu", seconds: 1, metrics: {}, interrupted: false };
  const stats = (outputDir: string): TrainStats => ({ ...ended, outputDir });

  describe(`logger ${name}`, () => {
    it("takes a run from start to end, with metrics that come and go and numbers that are not finite", async () => {
      const outputDir = tempFolder();
      const logger = make();
      logger.line?.("a line before the start");
      await logger.start?.({ outputDir, totalSteps: 2, startStep: 0 });
      await logger.step(1, { loss: 0.5 });
      await logger.step(2, { loss: NaN, kl: 1e-9 });
      await logger.evaluation?.(2, { "eval/reward": 0.25 });
      await logger.checkpoint?.(2, `${outputDir}/checkpoints/step-000002`);
      await logger.end?.(stats(outputDir));
      if (!read) return;
      const records = read(outputDir);
      expect(records.map(({ step }) => step)).toEqual([1, 2, 2]);
      expect(records[0]!.metrics).toEqual({ loss: 0.5 });
      expect(records[1]!.metrics).toMatchObject({ kl: 1e-9 });
      expect(records[2]!.metrics).toEqual({ "eval/reward": 0.25 });
    });

    it("drops the records after the step it resumes from, and keeps those before", async () => {
      const outputDir = tempFolder();
      const first = make();
      await first.start?.({ outputDir, totalSteps: 4, startStep: 0 });
      for (const step of [1, 2, 3]) await first.step(step, { loss: step });
      const second = make();
      await second.start?.({ outputDir, totalSteps: 4, startStep: 2 });
      await second.step(3, { loss: 30 });
      await second.end?.(stats(outputDir));
      if (!read) return;
      expect(read(outputDir).map(({ step, metrics }) => [step, metrics.loss])).toEqual([[1, 1], [2, 2], [3, 30]]);
    });
  });
}
