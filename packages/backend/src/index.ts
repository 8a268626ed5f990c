export { tf } from "./tf.js";
export * from "./ops/index.js";
