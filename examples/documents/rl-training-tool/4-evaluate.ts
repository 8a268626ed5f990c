/** 4. 评估模型: after SFT, after GRPO, and the model that both began with. */
import { RLTrainingTool } from "verlet";
import { gsm8k, model, samples } from "../settings.ts";
import { grpo, sft } from "./1-3-sft-then-grpo.ts"; // trains both

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

console.log(await tool.run({ action: "evaluate", model_path: sft, max_samples: samples(100) }));

console.log(await tool.run({ action: "evaluate", model_path: grpo, max_samples: samples(100) }));

console.log(await tool.run({ action: "evaluate", model_path: model("Qwen/Qwen3-0.6B"), max_samples: samples(50) }));
