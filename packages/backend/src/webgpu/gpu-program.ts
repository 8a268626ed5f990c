import { tf } from "../tf.js";
import type { Program, WebgpuBackend } from "./gpu-types.js";

const WORKGROUP = 64;

/** A shader that computes one number of the output at a time. */
export interface Elementwise {
  /** Tells it from other shaders, with everything its text depends on besides the ranks and types of its tensors. */
  key: string;
  inputs: Record<string, tf.TensorInfo>;
  shape: number[];
  dtype: tf.DataType;
  /** WGSL: statements that end in `result[index] = …;`, on the arrays of the inputs' names. */
  body: string;
}

/** Runs such a shader on the backend's own machinery, which compiles each text once. */
export function runElementwise(backend: WebgpuBackend, { key, inputs, shape, dtype, body }: Elementwise): tf.TensorInfo {
  const program: Program = {
    outputShape: shape,
    shaderKey: `verlet_${key}`,
    dispatchLayout: { x: [...shape.keys()] },
    dispatch: [Math.ceil(tf.util.sizeFromShape(shape) / WORKGROUP), 1, 1],
    variableNames: Object.keys(inputs),
    workgroupSize: [WORKGROUP, 1, 1],
    size: true,
    getUserCode: () => `fn main(index : i32) { if (index < uniforms.size) { ${body} } }`,
  };
  return backend.runWebGPUProgram(program, Object.values(inputs), dtype);
}
