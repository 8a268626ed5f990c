export { gae } from "./gae.js";
export { optimalTokenBaseline } from "./optimal-token-baseline.js";
export { reinforcePlusPlus } from "./reinforce-plus-plus.js";
export { reinforcePlusPlusBaseline } from "./reinforce-plus-plus-baseline.js";
export { remax } from "./remax.js";
