/** 显存优化: what LoRA leaves to train, a smaller batch, and accumulation, which gives the step of the larger batch. */
import { createSftDataset, SFTTrainerWrapper, type WrapperOptions } from "verlet";
import { gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trainers/memory");
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });

/** One step, with the line of the run's plan that says what it takes. */
async function tryOne(name: string, options: Partial<WrapperOptions>): Promise<void> {
  let memory = "";
  const plan = { step: () => undefined, line: (text: string) => void (memory ||= /^ *memory +([^;]*)/m.exec(text)?.[1] ?? "") };
  const trainer = new SFTTrainerWrapper({ modelName: model("Qwen/Qwen3-0.6B"), dataset, outputDir: `${output}/${name}`, maxSteps: 1, console: false, loggers: [plan], ...options });
  const { finalLoss } = await trainer.train();
  console.log(`${name}: ${memory}; loss of the step ${finalLoss!.toFixed(4)}`);
}

await tryOne("all-weights", { batchSize: 8 });
await tryOne("lora", { batchSize: 8, useLora: true, loraR: 4, loraDropout: 0 });
await tryOne("small-batch", { batchSize: 2 });
await tryOne("accumulation", { batchSize: 2, gradientAccumulationSteps: 4 });
