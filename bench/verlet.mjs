/** verlet on the benchmark's model: one training step and one decode step. Prints one JSON line. */
import { gradientsOf, selectBackend, tf } from "@verlet/backend";
import { Rng } from "@verlet/core";
import { CausalLM, isDecayed } from "@verlet/model";
import { AdamW } from "@verlet/optim";

const argument = JSON.parse(process.argv[2]);
const info = await selectBackend(argument.backend);
const model = CausalLM.random({ model_type: "qwen3", rms_norm_eps: 1e-6, ...argument.model }, 0);
const rng = new Rng(1);
const ms = argument.case === "train" ? await train() : await decode();
console.log(JSON.stringify({ ms, backend: info.name, tensorflow: info.tensorflowVersion, rss: process.resourceUsage().maxRSS / 2 ** 20 }));

async function timed(work, warm, count) {
  for (let i = 0; i < warm; i++) await work();
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[Math.floor(count / 2)];
}

function train() {
  const { rows, width, count } = argument;
  const schedule = { name: "constant", warmupSteps: 0, totalSteps: 1 };
  const optimizer = new AdamW(model.trainable, { learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1, schedule, isDecayed });
  const variables = model.trainable.map(({ variable }) => variable);
  const positions = Int32Array.from({ length: rows * (width - 1) }, (_, i) => i + 1 + Math.floor(i / (width - 1)));
  const step = () => {
    const ids = Int32Array.from({ length: rows * width }, () => 3 + rng.below(argument.model.vocab_size - 3));
    const tokens = { ids, lengths: new Int32Array(rows).fill(width), rows, width };
    const { value, gradients } = gradientsOf(() => tf.neg(tf.mean(model.logProbs(tokens, { positions }, { temperature: 1 }).logProbs)), variables);
    value.dataSync();
    optimizer.step(gradients);
    tf.dispose([value, ...gradients]);
    variables.at(-1).dataSync(); // the last update of the step is done
  };
  return timed(step, 2, count);
}

async function decode() {
  const { rows, tokens, count } = argument;
  const options = { maxNewTokens: tokens, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
  const generate = () => model.generate(Array.from({ length: rows }, () => [3 + rng.below(argument.model.vocab_size - 3)]), options, rng);
  return (await timed(generate, 1, count)) / tokens;
}
