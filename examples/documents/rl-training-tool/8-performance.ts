/** 性能优化: the options for less memory and for more speed, and what each run took. */
import { getDeviceInfo, RLTrainingTool } from "verlet";
import { gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/8-performance");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);
const shared = { action: "train", algorithm: "sft", model_name: model("Qwen/Qwen3-0.6B"), max_samples: samples(100), num_epochs: 1 };

const little = await tool.run({ ...shared, output_dir: `${output}/memory`, use_lora: true, batch_size: 2 });
const fast = await tool.run({ ...shared, output_dir: `${output}/speed`, batch_size: 8 });

for (const [name, reply] of Object.entries({ little, fast })) {
  const { steps, seconds, backend } = JSON.parse(reply) as { steps: number; seconds: number; backend: string };
  console.log(`${name}: ${steps} steps in ${seconds} s on ${backend}`);
}
console.log(await getDeviceInfo()); // 使用GPU: 自动检测并使用
