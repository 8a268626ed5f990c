/** The one place that imports TensorFlow.js, after what newer Node versions took away from it is put back. */
import "./node-polyfill.js";
import * as tf from "@tensorflow/tfjs";

export { tf };
