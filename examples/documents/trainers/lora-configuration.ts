/** LoRA配置: which layers get an adapter, and how much there is to train then. */
import { CausalLM, createLoraConfig, createSftDataset, SFTTrainerWrapper } from "verlet";
import { gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trainers/lora-configuration");
const dataset = await createSftDataset({ dataset: gsm8k, maxSamples: samples(100) });

const attention = ["q_proj", "k_proj", "v_proj", "o_proj"];
const choices = {
  least: ["q_proj", "v_proj"],
  recommended: attention,
  all: [...attention, "gate_proj", "up_proj", "down_proj"],
};

for (const [name, targetModules] of Object.entries(choices)) {
  const loraConfig = createLoraConfig({ r: 8, loraAlpha: 16, loraDropout: 0.1, targetModules });
  const outputDir = `${output}/${name}`;
  await new SFTTrainerWrapper({ modelName: model("Qwen/Qwen3-0.6B"), dataset, outputDir, maxSteps: 1, useLora: true, loraConfig }).train();

  const policy = await CausalLM.load(model("Qwen/Qwen3-0.6B"), { adapter: outputDir });
  const trained = policy.trainable.reduce((sum, { variable }) => sum + variable.size, 0);
  policy.dispose();
  console.log(`${name}: ${targetModules.length} kinds of layers, ${trained} numbers trained`);
}
