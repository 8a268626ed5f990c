import { expect, test } from "vitest";
import { describeError, describeIssues, didYouMean, listNames, nearest, satisfiesCaret, showValue, z } from "@verlet/core";

test("the nearest name: at most 3 edits and under 40 % of the letters, case and separators aside", () => {
  const names = ["accuracy", "length_penalty", "format", "grpo", "dapo"];
  expect(nearest("acuracy", names)).toBe("accuracy");
  expect(nearest("lengthPenalty", names)).toBe("length_penalty");
  expect(nearest("Length-Penaltie", names)).toBe("length_penalty");
  expect(nearest("grop", names)).toBe("grpo"); // 2 edits of 4 letters, the limit: ceil(4 · 0.4) = 2
  expect(nearest("xy", names)).toBeUndefined();
  expect(nearest("completely", names)).toBeUndefined();
  expect(didYouMean("formt", names)).toBe('Did you mean "format"?');
  expect(didYouMean("zzzzzz", names)).toBeUndefined();
  expect(listNames(["b", "a"])).toBe("a, b");
});

test("caret ranges take the same major and nothing older", () => {
  const own = "1.2.3";
  expect(["^1", "^1.2", "^1.2.3", "^1.1.9"].map((range) => satisfiesCaret(range, own))).toEqual([true, true, true, true]);
  expect(["^1.3", "^1.2.4", "^2", "^0.9"].map((range) => satisfiesCaret(range, own))).toEqual([false, false, false, false]);
  expect(["1.2.3", ">=1", "latest", ""].map((range) => satisfiesCaret(range, own))).toEqual([undefined, undefined, undefined, undefined]);
});

test("one form for every error, one final stop", () => {
  expect(describeError({ where: "a", what: "b", got: "1", expected: "2", fix: "Do c" })).toBe("[a] b: got 1, expected 2. Do c.");
  expect(describeError({ where: "a", what: "b", fix: "Is it c?" })).toBe("[a] b. Is it c?");
});

test("values as messages show them", () => {
  expect([undefined, null, "x", 3, true, [], [1, 2], {}, { a: 1 }].map(showValue)).toEqual([
    "nothing",
    "null",
    '"x"',
    "3",
    "true",
    "an empty list",
    "a list of 2",
    "a mapping with no keys",
    "a mapping with a",
  ]);
});

test("what zod finds, in words", () => {
  const schema = z.strictObject({
    whole: z.int(),
    text: z.string().min(2),
    list: z.array(z.boolean()),
    few: z.array(z.boolean()).max(1),
    share: z.number().lt(1),
    step: z.number().multipleOf(5),
    choice: z.union([z.literal("all"), z.array(z.string())]),
    either: z.union([z.string(), z.boolean()]),
    inner: z.strictObject({ a: z.number() }),
    hex: z.string().regex(/^[0-9a-f]+$/),
    checked: z.number().refine((value) => value !== 7, "another number than 7"),
  });
  const input = {
    whole: 1.5,
    text: "a",
    list: [true, "no"],
    few: [true, true],
    share: 1,
    step: 7,
    choice: ["a", 3],
    either: 1,
    inner: { a: 1, b: 2 },
    hex: "xyz",
    checked: 7,
  };
  const found = describeIssues(schema.safeParse(input).error!, input).map(({ path, got, expected }) => [path.join("."), got, expected]);
  expect(found).toEqual([
    ["whole", "1.5", "a whole number"],
    ["text", '"a"', "at least 2 characters"],
    ["list.1", '"no"', "true or false"],
    ["few", "a list of 2", "at most 1 element"],
    ["share", "1", "less than 1"],
    ["step", "7", "a multiple of 5"],
    ["choice.1", "3", "text"],
    ["either", "1", "text or true or false"],
    ["inner", 'unknown "b"', undefined],
    ["hex", '"xyz"', "text that matches /^[0-9a-f]+$/"],
    ["checked", "7", "another number than 7"],
  ]);
});
