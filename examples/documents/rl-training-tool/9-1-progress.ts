/** 常见问题 → 如何查看训练进度: lines on the console, or each step as it is taken. */
import { RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/9-1-progress");
const tool = new RLTrainingTool({ console: false }); // the program prints the progress itself
tool.registerDataset("gsm8k", gsm8k);

const params = { action: "train", algorithm: "grpo", model_name: model("Qwen/Qwen3-0.6B"), output_dir: `${output}/grpo`, max_samples: samples(500), num_epochs: epochs(3), kl_coef: 0.05, ...generation };
await tool.run(params, { onProgress: ({ line }) => console.log(line) });
