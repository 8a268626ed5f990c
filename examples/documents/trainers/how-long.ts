/** 训练需要多长时间: a few samples tell how long many will take. */
import { agents, createSftDataset, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, samples } from "../settings.ts";

const { formatTrainingTime } = agents;
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(10) });
const trainer = new SFTTrainerWrapper({ modelName: model("Qwen/Qwen3-0.6B"), dataset, outputDir: outputOf("trainers/how-long"), numEpochs: 3, console: false });

const { seconds, numSamples, numEpochs, backend } = await trainer.train();
console.log(`${numSamples} samples, ${numEpochs} epochs: ${seconds.toFixed(1)} s on ${backend}`);
for (const count of [100, 1000, 7473]) console.log(`${count} samples: about ${formatTrainingTime((seconds / numSamples) * count)}`);
