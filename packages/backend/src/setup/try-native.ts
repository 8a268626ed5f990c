/** Run as a program of its own: `node try-native.js FOLDER KIND` loads a native TensorFlow and multiplies once. */
import { loadNative } from "../native/load-native.js";
import type { NativeKind } from "../native/releases.js";
import { tf } from "../tf.js";

const [folder, kind] = process.argv.slice(2);
const binding = loadNative(folder!, kind as NativeKind);
await tf.setBackend("tensorflow");
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
// [1 2; 3 4]·[5 6; 7 8] = [19 22; 43 50]
if (String(product) !== "19,22,43,50") throw new Error(`a 2×2 product came out as ${product}`);
process.stdout.write(JSON.stringify({ tensorflow: binding.TF_Version, gpu: binding.isUsingGpuDevice() }));
