/** 常见问题 → Q6 训练失败怎么办: less memory, what is missing, and a data set that cannot be fetched. */
import { getInstallationGuide, RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/6-6-troubleshooting");
const tool = new RLTrainingTool();

// 1. 显存不足: LoRA, and a small batch of which several make one step.
const small = { action: "train", algorithm: "sft", model_name: model("Qwen/Qwen3-0.6B"), custom_dataset: gsm8k, max_samples: samples(100), num_epochs: epochs(3), output_dir: `${output}/sft` };
console.log(await tool.run({ ...small, use_lora: true, batch_size: 1, gradient_accumulation_steps: 4 }));

// 2. TRL未安装: nothing has to be; what would be faster is said.
console.log(await getInstallationGuide());

// 3. 数据集下载失败: a file on this machine does as well, in GSM8K's layout or any other that verlet reads.
console.log(await tool.run({ action: "load_dataset", dataset: "./no-such-file.jsonl" }));
console.log(await tool.run({ action: "load_dataset", custom_dataset: [{ question: "What is 2+2?", answer: "2+2=4\n#### 4" }] }));
