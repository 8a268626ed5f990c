import { addComponentType } from "@verlet/verl";
import { expect, test } from "vitest";

type Verifier = (text: string) => boolean;

test("parts of a type of one's own are registered and found by name", () => {
  const verifiers = addComponentType<Verifier>("verifier");
  expect(() => verifiers.get("exact")).toThrow('[verifier exact] unknown verifier: got "exact", expected a registered verifier (there is none).');
  const exact = verifiers.register("exact")((text) => text === "4");
  verifiers.register("any")(() => true);
  expect(verifiers.get("exact")).toBe(exact);
  expect(verifiers.names()).toEqual(["any", "exact"]);
  expect(() => verifiers.get("exakt")).toThrow('[verifier exakt] unknown verifier: got "exakt", expected one of any, exact. Did you mean "exact"?');
  expect(() => verifiers.register("any")(() => false)).toThrow("[verifier any] the name is taken: got a second registration. Give one of the two another name.");
});

test("classes are registered by decorator", () => {
  const samplers = addComponentType<new () => object>("sampler");
  @samplers.register("mine")
  class Mine {}
  expect(new (samplers.get("mine"))()).toBeInstanceOf(Mine);
});

test("a type is added once", () => {
  addComponentType("judge");
  expect(() => addComponentType("judge")).toThrow("[component type judge] the name is taken: got a second addComponentType, expected one, whose result is imported where it is needed.");
});
