import { expect, test } from "vitest";
import { compact, float32, styles, table } from "../../../packages/cli/dist/output.js";

test.each([
  [0, "0"],
  [12, "12"],
  [0.64123, "0.6412"],
  [1 / 3, "0.3333"],
  [123456.7, "123500"],
  [2e-4, "2e-4"],
  [1.234e-5, "1.23e-5"],
  [12345678, "1.23e7"],
  [-0.5, "-0.5"],
  [NaN, "NaN"],
  [-Infinity, "-Infinity"],
])("%d is shown as %s", (value, text) => {
  expect(compact(value)).toBe(text);
});

test("a float32 is written with as few digits as give it back", () => {
  expect(String(float32(Math.fround(0.1)))).toBe("0.1");
  expect(String(float32(Math.fround(-9.744910)))).toBe("-9.74491");
  // Needs nine digits: the neighbours of 16777216/3 are half a unit apart.
  for (const value of [1 / 3, 16777216 / 3, 1e-30, -123.456789]) expect(Math.fround(float32(Math.fround(value)))).toBe(Math.fround(value));
});

test("columns are aligned, the last one runs free", () => {
  expect(table([["a", "bcd", "e"], ["fgh", "", "a long text"]])).toBe("a    bcd  e\nfgh       a long text");
});

test("no colour where the output is no terminal or NO_COLOR is set", () => {
  const before = process.env.NO_COLOR;
  try {
    delete process.env.NO_COLOR;
    expect(styles({ isTTY: true }).red("x")).toBe("\u001b[31mx\u001b[39m");
    expect(styles({ isTTY: false }).red("x")).toBe("x");
    process.env.NO_COLOR = "1";
    expect(styles({ isTTY: true }).red("x")).toBe("x");
  } finally {
    if (before === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = before;
  }
});
