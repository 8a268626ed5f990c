/**
 * Peak memory of SFT steps against the estimate. One JSON line; one model a process, since a peak stays.
 * node bench/memory.mjs '{"folder":"./model","lora":true,"gradientCheckpointing":true,"baseDtype":"bfloat16","rows":2,"width":512,"steps":2}'
 */
import { gradientsOf, selectBackend, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { CausalLM, estimateMemory, isDecayed } from "@verlet/model";
import { AdamW } from "@verlet/optim";

const { folder, lora = false, gradientCheckpointing = false, baseDtype = "float32", rows = 2, width = 512, steps = 2 } = JSON.parse(process.argv[2]);
const peak = () => process.resourceUsage().maxRSS * 1024;
const adapter = { r: 16, alpha: 32, dropout: 0.05, targetModules: "all-linear", rslora: false, dora: false };

await selectBackend("native");
const started = performance.now();
const model = await CausalLM.load(folder, lora ? { lora: adapter, baseDtype } : {});
const loading = { seconds: round((performance.now() - started) / 1000), peakGb: round(peak() / 1e9) };
model.setGradientCheckpointing(gradientCheckpointing);
const variables = model.trainable.map(({ variable }) => variable);
const schedule = { name: "constant", warmupSteps: 0, totalSteps: 1 };
const optimizer = new AdamW(model.trainable, { learningRate: 1e-5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, schedule, isDecayed });
const rng = new Rng(1);
const positions = Int32Array.from({ length: rows * (width - 1) }, (_, i) => i + 1 + Math.floor(i / (width - 1)));
for (let step = 0; step < steps; step++) {
  const ids = Int32Array.from({ length: rows * width }, () => rng.below(model.config.vocabSize));
  const tokens = { ids, lengths: new Int32Array(rows).fill(width), rows, width };
  const options = { temperature: 1, entropy: true, ...(lora && { dropout: rng }) };
  const { value, gradients } = gradientsOf(() => tf.neg(tf.mean(model.logProbs(tokens, { positions }, options).logProbs)), variables);
  optimizer.step(gradients);
  tf.dispose([value, ...gradients]);
}
const estimated = estimateMemory({ config: model.config, lora: lora ? adapter : undefined, baseDtype, gradientCheckpointing, rows, width }).peak;
console.log(JSON.stringify({ lora, gradientCheckpointing, baseDtype, rows, width, loading, measuredGb: round(peak() / 1e9), estimatedGb: round(estimated / 1e9), ratio: round(estimated / peak()) }));

function round(value) {
  return Math.round(value * 1000) / 1000;
}
