import { expect, test } from "vitest";
import { curve } from "../../../../packages/cli/dist/quickstart/curve.js";

test("one column a value, highest line first, labels at both ends", () => {
  // low 0, high 1, 16 eighths in two lines: 0 → level 1, 0.5 → 1 + round(0.5 · 15) = 9, 1 → 16.
  expect(curve([0, 0.5, 1], { height: 2 })).toEqual(["  1.00 ┤ ▁█", "  0.00 ┤▁██"]);
});

test("more values than columns are averaged in order", () => {
  // (0 + 0) / 2 = 0 and (2 + 4) / 2 = 3
  expect(curve([0, 0, 2, 4], { width: 2, height: 1 })).toEqual(["  3.00 ┤▁█"]);
});

test("values that do not differ stay on the floor", () => {
  expect(curve([0.5, 0.5], { height: 2 })).toEqual(["  0.50 ┤", "  0.50 ┤▁▁"]);
});

test("nothing to draw", () => expect(curve([])).toEqual([]));
