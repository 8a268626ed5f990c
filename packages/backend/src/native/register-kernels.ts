/** Kernels that take the place of tfjs-node's own, on libtensorflow of any origin. */
import { tf } from "../tf.js";

interface NativeBackend {
  executeSingleOutput(name: string, attributes: object[], inputs: tf.TensorInfo[]): tf.TensorInfo;
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_ATTR_INT: number; readonly TF_FLOAT: number; readonly TF_INT32: number; readonly TF_BOOL: number };
}

/** Call it once tfjs-node has registered its kernels. */
export function registerNativeKernels(): void {
  replace("GatherV2", gatherV2);
  replace("BatchMatMul", matMul);
}

function replace(kernelName: string, make: (plain: tf.KernelFunc) => tf.KernelFunc): void {
  const plain = tf.getKernel(kernelName, "tensorflow");
  tf.unregisterKernel(kernelName, "tensorflow");
  tf.registerKernel({ ...plain, kernelFunc: make(plain.kernelFunc) });
}

/** Rows of the left matrix up to which `MatMul` beats `BatchMatMulV2` on plain matrices (measured: by 1.4 at 8 and at 32). */
const FEW_ROWS = 64;

/** A product of two matrices with few rows, as in decoding, by the op that is faster there. */
const matMul =
  (plain: tf.KernelFunc): tf.KernelFunc =>
  (call) => {
    const a = call.inputs["a"]!;
    const b = call.inputs["b"]!;
    const { transposeA, transposeB } = call.attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const fits = a.shape.length === 2 && b.shape.length === 2 && a.shape[0]! <= FEW_ROWS && !transposeA && !transposeB && a.dtype === "float32" && b.dtype === "float32";
    if (!fits) return plain(call);
    const native = call.backend as unknown as NativeBackend;
    const { TF_ATTR_TYPE, TF_FLOAT } = native.binding;
    return native.executeSingleOutput("MatMul", [{ name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT }], [a, b]);
  };

/**
 * GatherV2 without reading the indices back to check them in JavaScript, which waits for the device and takes longer
 * than the op: TensorFlow checks them itself on a processor, and gives zeros for a wrong one on a GPU.
 */
const gatherV2 =
  (plain: tf.KernelFunc): tf.KernelFunc =>
  (call) => {
    const native = call.backend as unknown as NativeBackend;
    const x = call.inputs["x"]!;
    const { axis, batchDims } = call.attrs as unknown as { axis: number; batchDims: number };
    const { TF_ATTR_TYPE, TF_ATTR_INT, TF_FLOAT, TF_INT32, TF_BOOL } = native.binding;
    const type = new Map([["float32", TF_FLOAT], ["int32", TF_INT32], ["bool", TF_BOOL]]).get(x.dtype);
    if (type === undefined) return plain(call);
    const axisTensor = tf.scalar(axis, "int32");
    const out = native.executeSingleOutput(
      "GatherV2",
      [
        { name: "batch_dims", type: TF_ATTR_INT, value: batchDims },
        { name: "Tparams", type: TF_ATTR_TYPE, value: type },
        { name: "Tindices", type: TF_ATTR_TYPE, value: TF_INT32 },
        { name: "Taxis", type: TF_ATTR_TYPE, value: TF_INT32 },
      ],
      [x, call.inputs["indices"]!, axisTensor],
    );
    axisTensor.dispose();
    return out;
  };
