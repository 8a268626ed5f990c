import type { tf } from "../tf.js";
import type { WasmBackend } from "./wasm-backend.js";

/**
 * A second handle of the same numbers, as on the other backends; the kernel that ships copies them. The tape clones
 * every tensor it saves, so this also halves what it holds.
 */
export const identityKernel: tf.KernelConfig = {
  kernelName: "Identity",
  backendName: "wasm",
  kernelFunc: ({ inputs, backend }) => {
    const { dataId, shape, dtype } = inputs["x"]!;
    (backend as unknown as WasmBackend).incRef(dataId);
    return { dataId, shape, dtype };
  },
};
