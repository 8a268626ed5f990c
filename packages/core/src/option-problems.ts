/** Words for what zod found: one `got …, expected …` per issue. */
import type { z } from "zod";
import type { ErrorParts } from "./errors.js";
import { didYouMean } from "./suggest.js";

type Issue = z.core.$ZodIssue;

export interface ValueProblem extends Omit<ErrorParts, "where" | "what"> {
  path: readonly PropertyKey[];
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
  map: "a mapping",
  null: "null",
  undefined: "nothing",
  nan: "a number",
};

/** A value as messages show it. */
export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (value !== null && typeof value === "object") return `a mapping with ${Object.keys(value).join(", ") || "no keys"}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** One problem per issue of a failed parse of `input`, with the path of the value at fault. */
export function describeIssues(error: z.ZodError, input: unknown): ValueProblem[] {
  return error.issues.map((issue) => describeIssue(issue, input));
}

function describeIssue(issue: Issue, input: unknown): ValueProblem {
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], input);
  const got = showValue(value);
  switch (issue.code) {
    case "invalid_type":
      // A number that is only not whole arrives as "int".
      return { path: issue.path, got, expected: typeNames[issue.expected] ?? issue.expected };
    case "too_small":
    case "too_big":
      return { path: issue.path, got, expected: describeBound(issue) };
    case "invalid_value": {
      const names = issue.values.map(String);
      const expected = names.length === 1 ? names[0]! : `one of ${names.join(", ")}`;
      return { path: issue.path, got, expected, fix: typeof value === "string" ? didYouMean(value, names) : undefined };
    }
    case "invalid_union":
      return describeUnion(issue, input, got);
    case "unrecognized_keys":
      return { path: issue.path, got: `unknown ${issue.keys.map((key) => `"${key}"`).join(", ")}` };
    case "invalid_format":
      return { path: issue.path, got, expected: issue.pattern ? `text that matches ${issue.pattern}` : issue.format };
    case "not_multiple_of":
      return { path: issue.path, got, expected: `a multiple of ${issue.divisor}` };
    default:
      return { path: issue.path, got, expected: issue.message };
  }
}

function describeBound(issue: Extract<Issue, { code: "too_small" | "too_big" }>): string {
  const small = issue.code === "too_small";
  const bound = String(small ? issue.minimum : issue.maximum);
  if (issue.origin === "string") return `${small ? "at least" : "at most"} ${bound} character${bound === "1" ? "" : "s"}`;
  if (issue.origin === "array") return `${small ? "at least" : "at most"} ${bound} element${bound === "1" ? "" : "s"}`;
  if (small) return issue.inclusive ? `at least ${bound}` : `more than ${bound}`;
  return issue.inclusive ? `at most ${bound}` : `less than ${bound}`;
}

/** The branch that got furthest is what was meant; with none, all of them are named. */
function describeUnion(issue: Extract<Issue, { code: "invalid_union" }>, input: unknown, got: string): ValueProblem {
  const branches = issue.errors.filter((issues) => issues.length > 0);
  const deepest = branches.find((issues) => issues.every(({ path }) => path.length > 0));
  const prefixed = (inner: Issue): Issue => ({ ...inner, path: [...issue.path, ...inner.path] }) as Issue;
  if (deepest) return describeIssue(prefixed(deepest[0]!), input);
  const choices = branches.map((issues) => describeIssue(prefixed(issues[0]!), input).expected);
  return { path: issue.path, got, expected: [...new Set(choices)].join(" or ") };
}
