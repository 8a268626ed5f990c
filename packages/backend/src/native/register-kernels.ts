/** Kernels that take the place of tfjs-node's own, on libtensorflow of any origin. */
import { tf } from "../tf.js";

interface NativeBackend {
  executeSingleOutput(name: string, attributes: object[], inputs: tf.TensorInfo[]): tf.TensorInfo;
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_ATTR_INT: number; readonly TF_FLOAT: number; readonly TF_INT32: number; readonly TF_BOOL: number };
}

/**
 * GatherV2 without reading the indices back to check them in JavaScript, which waits for the device and takes longer
 * than the op: TensorFlow checks them itself on a processor, and gives zeros for a wrong one on a GPU.
 */
function gatherV2({ inputs, backend, attrs }: Parameters<tf.KernelFunc>[0]): tf.TensorInfo {
  const native = backend as unknown as NativeBackend;
  const x = inputs["x"]!;
  const indices = inputs["indices"]!;
  if (x.dtype !== "float32" && x.dtype !== "int32" && x.dtype !== "bool") return plainGather({ inputs, backend, attrs }) as tf.TensorInfo;
  const { TF_ATTR_TYPE, TF_ATTR_INT, TF_FLOAT, TF_INT32, TF_BOOL } = native.binding;
  const types = { float32: TF_FLOAT, int32: TF_INT32, bool: TF_BOOL };
  const axis = tf.scalar(attrs!["axis"] as number, "int32");
  const out = native.executeSingleOutput(
    "GatherV2",
    [
      { name: "batch_dims", type: TF_ATTR_INT, value: attrs!["batchDims"] },
      { name: "Tparams", type: TF_ATTR_TYPE, value: types[x.dtype] },
      { name: "Tindices", type: TF_ATTR_TYPE, value: TF_INT32 },
      { name: "Taxis", type: TF_ATTR_TYPE, value: TF_INT32 },
    ],
    [x, indices, axis],
  );
  axis.dispose();
  return out;
}

let plainGather: tf.KernelFunc;

/** Call it once tfjs-node has registered its kernels. */
export function registerNativeKernels(): void {
  plainGather = tf.getKernel("GatherV2", "tensorflow").kernelFunc;
  tf.unregisterKernel("GatherV2", "tensorflow");
  tf.registerKernel({ kernelName: "GatherV2", backendName: "tensorflow", kernelFunc: gatherV2 });
}
