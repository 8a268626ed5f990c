/** 配置建议: the four sizes of a run, and how long each took here where the document estimates. */
import { RLTrainingTool, trainingPresets } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/6-1-presets");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

for (const [size, preset] of Object.entries(trainingPresets)) {
  const { max_samples, num_epochs, batch_size, use_lora } = preset;
  const result = await tool.run({
    action: "train",
    algorithm: "sft",
    model_name: model("Qwen/Qwen3-0.6B"),
    output_dir: `${output}/${size}`,
    max_samples: samples(max_samples ?? 7473), // null: all of GSM8K
    num_epochs: epochs(num_epochs),
    batch_size,
    use_lora,
  });
  const { num_samples, steps, seconds } = JSON.parse(result) as { num_samples: number; steps: number; seconds: number };
  console.log(`${size}: ${num_samples} rows, ${steps} steps, ${seconds} s`);
}
