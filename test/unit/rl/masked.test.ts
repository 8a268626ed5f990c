import { expect, test } from "vitest";
import { allEqual, meanOf, sampleStd } from "@verlet/rl";

test("mean and standard deviation with n − 1, by hand", () => {
  expect(meanOf([1, 2, 6])).toBe(3);
  expect(sampleStd([1, 2, 6])).toBeCloseTo(Math.sqrt((4 + 1 + 9) / 2), 12);
  expect(sampleStd([1])).toBeNaN();
});

test("equality is of the numbers, not of their deviation", () => {
  expect(allEqual([0.3, 0.3, 0.3])).toBe(true);
  expect(allEqual([0.3, 0.1 + 0.2])).toBe(false);
  expect(allEqual([])).toBe(true);
});
