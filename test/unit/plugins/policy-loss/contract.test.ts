import { describe } from "vitest";
import { loadBuiltins } from "@verlet/config";
import { createComponent, registry } from "@verlet/core";
import { policyLossContract } from "../../../contracts/policy-loss.js";

await loadBuiltins();

/** Rules that a loss breaks by its definition. */
const exceptions: Record<string, Parameters<typeof policyLossContract>[1]> = {
  dro: { skip: { "teaches nothing where the advantage is 0": "the square draws the policy back wherever it has moved" } },
  kl_cov: { skip: { "teaches nothing where the advantage is 0": "the penalty draws marked tokens back wherever they have moved" } },
};

describe.each(registry.names("policyLoss"))("policy loss %s", (name) => policyLossContract(() => createComponent("policyLoss", name), exceptions[name]));
