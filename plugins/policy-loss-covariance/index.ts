export { ClipCovLoss } from "./clip-cov.js";
export { KlCovLoss } from "./kl-cov.js";
