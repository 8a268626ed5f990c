/** 组相对策略优化 (GRPO): the maintained script with arguments is a YAML with overrides. */
import { fileURLToPath } from "node:url";
import { createManager } from "verlet";
import { gsm8k, model, outputOf, samples, shortCompletions } from "../settings.ts";

const manager = await createManager(fileURLToPath(new URL("grpo.yaml", import.meta.url)), {
  overrides: [
    `model.path=${model("Qwen/Qwen2.5-0.5B-Instruct")}`,
    ...(gsm8k === "gsm8k" ? [] : [`data.train=${gsm8k.train}`]),
    `data.maxSamples=${samples(7473)}`,
    `trainer.outputDir=${outputOf("trl-methods/grpo")}`,
    ...Object.entries(shortCompletions).map(([key, value]) => `rollout.${key}=${value}`),
  ],
});
const stats = await manager.train();
await manager.dispose();

console.log(`${stats.steps} steps, reward ${stats.metrics.reward!.toFixed(4)}, model in ${stats.outputDir}`);
