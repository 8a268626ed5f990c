/** 配置建议: the quick size as a YAML, which `npx verlet train configs/documents/quick.yaml` runs as well. */
import { createManager } from "verlet";
import { gsm8k, model, outputOf } from "../settings.ts";

const output = outputOf("rl-training-tool/6-2-presets-yaml");

const manager = await createManager("configs/documents/quick.yaml", {
  overrides: [`model.path=${model("Qwen/Qwen3-0.6B")}`, `trainer.outputDir=${output}/quick_sft`, ...(typeof gsm8k === "string" ? [] : [`data.train=${gsm8k.train}`])],
});
const { steps, metrics, seconds } = await manager.train();
await manager.dispose();
console.log(`quick.yaml: ${steps} steps, loss ${metrics.loss!.toFixed(3)}, ${seconds} s`);
