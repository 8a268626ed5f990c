import { runElementwise } from "./gpu-program.js";
import { sizeOf, wrapKernel } from "./wrap-kernel.js";

/** WGSL on two i32; comparisons and the rest are told apart by their type. */
const numbers: Readonly<Record<string, string>> = { Add: "x + y", Sub: "x - y", Multiply: "x * y", Maximum: "max(x, y)", Minimum: "min(x, y)" };
const comparisons: Readonly<Record<string, string>> = { Equal: "x == y", NotEqual: "x != y", Less: "x < y", LessEqual: "x <= y", Greater: "x > y", GreaterEqual: "x >= y" };

/**
 * Whole numbers as whole numbers: the kernels that ship compute them as float32, which is inexact beyond 2^24, and an index
 * into a batch of logits can get there. For operands of one shape, or one number and any shape.
 */
export function wrapIntegerOps(): void {
  for (const [name, expression] of Object.entries(numbers)) wrapInteger(name, expression, "int32");
  for (const [name, expression] of Object.entries(comparisons)) wrapInteger(name, `select(0, 1, ${expression})`, "bool");
}

function wrapInteger(name: string, expression: string, dtype: "int32" | "bool"): void {
  wrapKernel(name, (plain) => (call) => {
    const a = call.inputs["a"]!;
    const b = call.inputs["b"]!;
    const isWhole = a.dtype === "int32" && b.dtype === "int32";
    const isScalar = { a: sizeOf(a) === 1 && a.shape.length <= b.shape.length, b: sizeOf(b) === 1 && b.shape.length <= a.shape.length };
    const fits = isScalar.a || isScalar.b || String(a.shape) === String(b.shape);
    if (!isWhole || !fits || sizeOf(a) === 0 || sizeOf(b) === 0 || call.backend.shouldExecuteOnCPU([a, b])) return plain(call);
    const at = (variable: "a" | "b"): string => `${variable}[${isScalar[variable] ? "0" : "index"}]`;
    return runElementwise(call.backend, {
      key: `int_${name}_${isScalar.a}_${isScalar.b}`,
      inputs: { a, b },
      shape: isScalar.a ? b.shape : a.shape,
      dtype,
      body: `let x = ${at("a")}; let y = ${at("b")}; result[index] = ${expression};`,
    });
  });
}
