/**
 * TensorFlow.js knows one backend by the name `tensorflow`, and a process can hold one libtensorflow: the first of
 * native, tfjs-node and tfjs-node-gpu that loads keeps the slot.
 */
import { registerNativeKernels } from "../native/register-kernels.js";
import { tf } from "../tf.js";
import type { ConcreteBackend, Opened, Unavailable } from "./candidate.js";

let holder: ConcreteBackend | undefined;

/** Runs `load` if the slot is free, and makes the backend the one in use. */
export async function takeSlot(name: ConcreteBackend, load: () => void): Promise<Unavailable | undefined> {
  if (holder !== undefined && holder !== name) return { why: `${holder} is already loaded in this process` };
  if (holder === undefined) {
    load();
    registerNativeKernels();
  }
  holder = name;
  return (await tf.setBackend("tensorflow")) ? undefined : { why: "TensorFlow did not start" };
}

interface LoadedBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

/** Facts of the libtensorflow in use. */
export function describeTensorFlow(processor: string, threads: number): Opened {
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as LoadedBackend;
  return { tensorflowVersion: binding.TF_Version, device: isUsingGpuDevice ? "GPU" : processor, threads };
}
