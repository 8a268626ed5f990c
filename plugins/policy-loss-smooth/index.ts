export { DroLoss } from "./dro.js";
export { SapoLoss } from "./sapo.js";
