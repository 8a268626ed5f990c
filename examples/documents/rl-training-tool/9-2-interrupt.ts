/** 常见问题 → 训练可以中断吗: Ctrl+C, or a signal, ends a run after its step; its model is there, and the same call goes on. */
import { RLTrainingTool } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-training-tool/9-2-interrupt");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const params = { action: "train", algorithm: "sft", model_name: model("Qwen/Qwen3-0.6B"), output_dir: `${output}/sft`, max_samples: samples(1000), num_epochs: epochs(3) };

const controller = new AbortController();
const stopped = await tool.run(params, { signal: controller.signal, onProgress: () => controller.abort() });
console.log(stopped);

console.log(await tool.run({ action: "evaluate", model_path: `${output}/sft`, max_samples: samples(100) }));

const finished = await tool.run(params);
console.log(finished);
