import { expect, test } from "vitest";
import { allEqual, meanOf, sampleStd, whiten } from "@verlet/rl";

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

test("whitening by hand: mean 2, variance 2 of the three that count", () => {
  const scale = Math.sqrt(2 + 1e-8); // (2 + 0 + 2) / (3 − 1)
  const root = Math.SQRT2;
  const got = whiten([2 - root, 99, 2, 2 + root, NaN], [1, 0, 1, 1, 0]);
  [-root / scale, 0, 0, root / scale, 0].forEach((expected, i) => expect(got[i]).toBeCloseTo(expected, 12));
});

test("whitening of equal values, of one and of none is exactly 0", () => {
  expect([...whiten([0.3, 0.3, 0.3], [1, 1, 1])]).toEqual([0, 0, 0]);
  expect([...whiten([5, 7], [1, 0])]).toEqual([0, 0]);
  expect([...whiten([5, 7], [0, 0])]).toEqual([0, 0]);
});
