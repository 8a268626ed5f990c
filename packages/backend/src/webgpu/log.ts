import { runElementwise } from "./gpu-program.js";
import { sizeOf, wrapKernel } from "./wrap-kernel.js";

/** ln 0 = −∞, which WGSL leaves open: on some devices its `log` gives the logarithm of the smallest number instead. */
export const wrapLog = (): void =>
  wrapKernel("Log", (plain) => (call) => {
    const x = call.inputs["x"]!;
    if (sizeOf(x) === 0 || call.backend.shouldExecuteOnCPU([x])) return plain(call);
    return runElementwise(call.backend, {
      key: "log",
      inputs: { x },
      shape: x.shape,
      dtype: "float32",
      body: "let v = f32(x[index]); result[index] = select(select(log(v), uniforms.NAN, v < 0.0), -uniforms.INFINITY, v == 0.0);",
    });
  });
