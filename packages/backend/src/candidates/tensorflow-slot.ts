/**
 * TensorFlow.js knows one backend by the name `tensorflow`, and a process can hold one libtensorflow: the first of
 * native, tfjs-node and tfjs-node-gpu that loads keeps the slot.
 */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { registerNativeKernels } from "../native/register-kernels.js";
import { tf } from "../tf.js";
import { processorName, type ConcreteBackend, type Opened, type Unavailable } from "./candidate.js";

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
export function describeTensorFlow(): Opened {
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as LoadedBackend;
  return {
    tensorflowVersion: binding.TF_Version,
    device: isUsingGpuDevice ? gpuNames() : processorName(),
    threads: Number(process.env["TF_NUM_INTRAOP_THREADS"]) || availableParallelism(),
  };
}

/** The models that the NVIDIA driver shows. */
function gpuNames(): string {
  const folder = "/proc/driver/nvidia/gpus";
  try {
    const models = readdirSync(folder).map((name) => /^Model:\s*(.+)$/m.exec(readFileSync(join(folder, name, "information"), "utf8"))?.[1]);
    return [...new Set(models.filter((model) => model !== undefined))].join(", ") || "GPU";
  } catch {
    return "GPU";
  }
}
