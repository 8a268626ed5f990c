/** 监督微调 (SFT): TRL's names in a TrainingConfig; without evalSteps nothing is evaluated, and maxLength is 1024 as there. */
import { createSftDataset, SFTTrainerWrapper, TrainingConfig } from "verlet";
import { epochs, gsm8k, model, outputOf, samples, warmup } from "../settings.ts";

const trainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen2.5-0.5B"),
  dataset: await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) }),
  config: new TrainingConfig({
    output_dir: outputOf("trl-methods/sft"),
    num_train_epochs: epochs(3),
    max_length: 1024,
    use_lora: false,
    warmup_steps: warmup(100),
  }),
});

// Nothing is uploaded: the folder is in the hub's layout, and `hf upload username/my-model <folder>` takes it as it is.
const { outputDir, steps, metrics } = await trainer.train();
console.log(`${steps} steps, loss ${metrics.loss!.toFixed(4)}, ${metrics.num_tokens} tokens in the last one → ${outputDir}`);
