import { CausalLM, selectBackend, tf } from "verlet";
import { begin, finish, given, peakMemory } from "./process.mjs";

const { folder, backend, base } = given;
await selectBackend(backend);
begin();
const start = performance.now();
const model = await CausalLM.load(folder, { lora: { r: 16, alpha: 32, dropout: 0, targetModules: "all-linear", rslora: false, dora: false }, ...(base && { baseDtype: base }) });
const loaded = performance.now() - start;
const peak = peakMemory();
// Tensors may be handed over lazily: a pass through the whole model has seen every weight.
const tokens = { ids: Int32Array.of(3, 4, 5, 6), lengths: Int32Array.of(4), rows: 1, width: 4 };
tf.tidy(() => model.logProbs(tokens, { positions: Int32Array.of(1, 2, 3) }, { temperature: 1 }).logProbs.dataSync());
finish({ times: [loaded], peak, parts: { "with a first pass": performance.now() - start, "peak with a first pass": peakMemory() } });
