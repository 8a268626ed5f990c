export { aggregate, aggregationModes, type BatchTotals } from "./aggregate.js";
export { klEstimators, klPenalty, stopGradient } from "./kl.js";
export { allEqual, meanOf, sampleStd } from "./masked.js";
export { policyRatio } from "./policy-ratio.js";
