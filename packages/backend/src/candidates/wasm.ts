import { createRequire } from "node:module";
import { tf } from "../tf.js";
import { registerWasmKernels } from "../wasm/register-kernels.js";
import { firstLine, processorName, type Candidate } from "./candidate.js";

/** WebAssembly with SIMD: the backend that npm alone brings. */
export const wasm: Candidate = {
  name: "wasm",
  async open() {
    try {
      createRequire(import.meta.url)("@tensorflow/tfjs-backend-wasm"); // not by import, as in tf.ts
      if (!(await tf.setBackend("wasm"))) return { why: "it could not be started" };
      registerWasmKernels();
    } catch (error) {
      return { why: firstLine(error) };
    }
    return { device: processorName(), threads: 1 };
  },
};
