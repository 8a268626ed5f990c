import { describe, expect, it } from "vitest";
import { parseSlice, sliceRange } from "../../../packages/data/dist/slice.js";

const range = (text: string, count: number): [number, number] => sliceRange(parseSlice(text, "rows.jsonl"), count);

describe("slices", () => {
  // What datasets 5.2 gives for ReadInstruction.from_spec(`train[…]`).to_absolute({ train: count }).
  it.each<[string, number, [number, number]]>([
    [":1000", 7473, [0, 1000]],
    [":1_000", 7473, [0, 1000]],
    [":", 9, [0, 9]],
    ["10%:20%", 7473, [747, 1495]],
    [":10%", 25, [0, 2]],
    [":10%", 35, [0, 4]],
    ["50%:", 3, [2, 3]],
    ["-100:", 7473, [7373, 7473]],
    ["-100:", 20, [0, 20]],
    ["-20%:", 10, [8, 10]],
    [":-3", 10, [0, 7]],
    ["2:5000", 10, [2, 10]],
    ["12:", 10, [10, 10]],
  ])("[%s] of %i rows", (text, count, expected) => {
    expect(range(text, count)).toEqual(expected);
  });

  it.each([
    ["100", "this is no part of a data set: got [100]"],
    ["a:b", "this is no part of a data set"],
    ["1:2:3", "this is no part of a data set"],
    ["10:20%", "one bound is in percent and the other is not: got [10:20%]"],
    [":120%", "a bound is beyond 100 %"],
  ])("refuses [%s]", (text, words) => {
    expect(() => parseSlice(text, "rows.jsonl")).toThrow(`[rows.jsonl] ${words}`);
  });
});
