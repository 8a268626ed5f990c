/** 使用LoRA训练: an adapter of its own size beside frozen weights. */
import { readdir } from "node:fs/promises";
import { createLoraConfig, createSftDataset, SFTTrainerWrapper } from "verlet";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const loraConfig = createLoraConfig({ r: 16, loraAlpha: 32, loraDropout: 0.05 });

const trainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen3-0.6B"),
  dataset: await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) }),
  outputDir: outputOf("trainers/lora-sft"),
  numEpochs: epochs(3),
  useLora: true,
  loraConfig,
});

const { outputDir, useLora } = await trainer.train();
const adapter = (await readdir(outputDir)).filter((name) => name.startsWith("adapter_"));
console.log(`LoRA ${useLora}: ${adapter.sort().join(", ")}`);
