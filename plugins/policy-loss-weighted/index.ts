export { CispoLoss } from "./cispo.js";
export { DppoKlLoss } from "./dppo-kl.js";
export { DppoTvLoss } from "./dppo-tv.js";
export { gpg } from "./gpg.js";
export { VespoLoss } from "./vespo.js";
