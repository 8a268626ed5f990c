export { replayCounts, replayed } from "./replayed.js";
