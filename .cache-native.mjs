import { tf } from "@verlet/backend";
import { createRequire } from "node:module";
process.env.TF_CPP_MIN_LOG_LEVEL??="2";
export async function native(){
  globalThis[Symbol.for("verlet.tfjs")]=tf;
  const r=createRequire("/tmp/wheel/package/dist/index.js");
  r("./register_all_kernels.js"); const {NodeJSKernelBackend}=r("./nodejs_kernel_backend.js");
  const b=r("/tmp/wheel/lib/tfjs_binding.node");
  tf.registerBackend("tensorflow",()=>new NodeJSKernelBackend(b,"verlet"),3);
  await tf.setBackend("tensorflow");
  return {tf,b};
}
