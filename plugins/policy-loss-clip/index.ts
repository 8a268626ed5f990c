export { ClipLoss } from "./clip.js";
