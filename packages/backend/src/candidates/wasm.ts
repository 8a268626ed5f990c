import { tf } from "../tf.js";
import { registerWasmKernels } from "../wasm/register-kernels.js";
import { firstLine, processorName, type Candidate } from "./candidate.js";

/** WebAssembly with SIMD: the backend that npm alone brings. */
export const wasm: Candidate = {
  name: "wasm",
  async open() {
    try {
      await import("@tensorflow/tfjs-backend-wasm");
      if (!(await tf.setBackend("wasm"))) return { why: "it could not be started" };
      registerWasmKernels();
    } catch (error) {
      return { why: firstLine(error) };
    }
    return { device: processorName(), threads: 1 };
  },
};
