/** SFT that is watched: an evaluation every few steps on rows that are not trained on, and the best checkpoint kept. */
import { createSftDataset, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, rate, samples } from "../settings.ts";

const output = outputOf("trl-methods/sft-with-evaluation");

const trainer = new SFTTrainerWrapper({
  modelName: model("Qwen/Qwen2.5-0.5B"),
  dataset: await createSftDataset({ dataset: gsm8k, split: "train[:80%]", maxSamples: samples(1000) }),
  evalDataset: await createSftDataset({ dataset: gsm8k, split: "train[80%:]", maxSamples: samples(1000) }),
  outputDir: output,
  numEpochs: 4,
  learningRate: rate(2e-5),
  evalSteps: 2,
  saveSteps: 2,
  overrides: ["trainer.keepBest={metric: eval/loss, mode: min}"],
  loggers: [{ step: () => undefined, evaluation: (step, metrics) => console.log(`step ${step}: eval loss ${metrics["eval/loss"]!.toFixed(4)}`) }],
});

const { steps, evaluation } = await trainer.train();
console.log(`${steps} steps; at the end ${evaluation!["eval/loss"]!.toFixed(4)}`);
