export { policyLossContract, policyLossInput, tokenLossOf, type PolicyLossRows } from "@verlet/testing";
