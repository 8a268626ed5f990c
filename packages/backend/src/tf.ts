/**
 * The one place that loads TensorFlow.js, after what newer Node versions took away from it is put back.
 * By require: `import` would first search its CommonJS files for the names they export, which takes longer than running them.
 */
import "./node-polyfill.js";
import tf = require("@tensorflow/tfjs");

export { tf };
