export { type Choice } from "./choice.js";
export { chooseByGraph } from "./choose-on-backend.js";
export { chooseOnHost } from "./choose-on-host.js";
export { chooseTokens } from "./choose-tokens.js";
export type { Decoder } from "./decoder.js";
export { filterLogits, type FilterOptions } from "./logit-filters.js";
export { sampleBatch } from "./sample-batch.js";
export { sampleGroups } from "./sample-groups.js";
