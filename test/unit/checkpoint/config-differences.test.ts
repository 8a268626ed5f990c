import { configDifferences, describeDifferences } from "@verlet/checkpoint";
import { describe, expect, it } from "vitest";

const was = { loss: { clipLow: 0.2, klCoef: 0 }, rewards: [{ name: "a", weight: 1 }], trainer: { seed: 1, maxSteps: 10 } };

describe("configDifferences", () => {
  it("finds none in the same values, whatever the order of keys", () => {
    expect(configDifferences(was, { trainer: { maxSteps: 10, seed: 1 }, loss: { klCoef: 0, clipLow: 0.2 }, rewards: [{ weight: 1, name: "a" }] })).toEqual([]);
  });

  it("names each key that differs, is new or is gone", () => {
    const now = { loss: { clipLow: 0.3 }, rewards: [{ name: "a", weight: 2 }], trainer: { seed: 1, maxSteps: 10, batchSize: 4 } };
    expect(describeDifferences(configDifferences(was, now))).toBe(
      'loss.clipLow was 0.2 and is now 0.3; loss.klCoef was 0 and is now not set; rewards was [{"name":"a","weight":1}] and is now [{"name":"a","weight":2}]; trainer.batchSize was not set and is now 4',
    );
  });

  it("passes over keys that may differ, and all below them", () => {
    const now = { ...was, loss: { clipLow: 9, klCoef: 9 }, trainer: { seed: 2, maxSteps: 99 } };
    expect(configDifferences(was, now, ["trainer.maxSteps", "loss"]).map(({ key }) => key)).toEqual(["trainer.seed"]);
  });
});
