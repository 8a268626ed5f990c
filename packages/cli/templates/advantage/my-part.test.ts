import { advantageContract, advantagesOf } from "@verlet/testing";
import { createComponent, loadPlugins, type Advantage } from "verlet";
import { describe, expect, test } from "vitest";

await loadPlugins(["./my-part.ts"], import.meta.dirname);
const make = (options: Record<string, unknown> = {}): Advantage => createComponent("advantage", "my-part", options);

describe("advantage my-part", () => {
  advantageContract(make);

  test("by hand: scores 3, 0, 0 have mean 1", () => {
    const rows = advantagesOf(make({ limit: 1.5 }), [3, 0, 0], [0, 0, 0]);
    expect(rows.map(([first]) => first)).toEqual([1.5, -1, -1]); // 2 is cut off at 1.5
  });
});
