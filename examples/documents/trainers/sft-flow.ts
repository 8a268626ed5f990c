/** SFT训练流程: model, data, settings, training, saved model; and the answers before and after. */
import { createSftDataset, RLTrainingTool, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, rate, samples } from "../settings.ts";

const output = outputOf("trainers/sft-flow");
const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const modelName = model("Qwen/Qwen3-0.6B");
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(1000) });
const trainer = new SFTTrainerWrapper({ modelName, dataset, outputDir: `${output}/sft`, numEpochs: 3, batchSize: 4, learningRate: rate(2e-5) });
const result = await trainer.train();
const saved = await trainer.saveModel(`${output}/model`);

for (const [when, model_path] of [["before", modelName], ["after", saved]]) {
  const reply = JSON.parse(await tool.run({ action: "evaluate", model_path, split: "train", max_samples: dataset.length, max_new_tokens: 24 })) as { accuracy: string };
  console.log(`${when}: ${reply.accuracy} of the training questions answered`);
}
console.log(`${result.steps} steps, loss ${result.finalLoss!.toFixed(4)}, model in ${saved}`);
