import { policyLossContract, tokenLossOf } from "@verlet/testing";
import { createComponent, loadPlugins, type PolicyLoss } from "verlet";
import { describe, expect, test } from "vitest";

await loadPlugins(["./my-part.ts"], import.meta.dirname);
const make = (options: Record<string, unknown> = {}): PolicyLoss => createComponent("policyLoss", "my-part", options);

describe("policy loss my-part", () => {
  policyLossContract(make);

  test("by hand: ratio 3 counts as 2 and teaches nothing more, ratio 0.5 as it is", () => {
    const rows = { logProbs: [[Math.log(0.3), Math.log(0.1)]], oldLogProbs: [[Math.log(0.1), Math.log(0.2)]], advantages: [1], lengths: [2] };
    const { losses, gradient } = tokenLossOf(make({ cap: 2 }), rows);
    expect(losses[0]![0]).toBeCloseTo(-2);
    expect(losses[0]![1]).toBeCloseTo(-0.5);
    expect(gradient[0]![0]).toBeCloseTo(0);
    expect(gradient[0]![1]).toBeCloseTo(-0.5); // d(−ρ)/d log p = −ρ
  });
});
