export { compile, type Compiled, type CompileOptions } from "./compile.js";
export { useGraphs } from "./graph-binding.js";
