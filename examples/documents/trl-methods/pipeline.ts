/** 推荐流水线: SFT, then RL on the same adapter, then one whole model to deploy. DPO and reward models are not in verlet yet. */
import { CausalLM, loadTokenizer, RLTrainingTool } from "verlet";
import { epochs, generation, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("trl-methods/pipeline");
const base = model("Qwen/Qwen2.5-0.5B");
const tool = new RLTrainingTool({ language: "en" });
tool.registerDataset("gsm8k", gsm8k);

const stages = [
  { algorithm: "sft", model_name: base, output_dir: `${output}/sft`, use_lora: true },
  { algorithm: "grpo", model_name: `${output}/sft`, output_dir: `${output}/grpo`, ...generation },
];
for (const stage of stages) {
  const { status, steps, message } = JSON.parse(await tool.run({ action: "train", max_samples: samples(1000), num_epochs: epochs(3), ...stage })) as Record<string, string>;
  if (status !== "success") throw new Error(message);
  console.log(`${stage.algorithm}: ${steps} steps → ${stage.output_dir}`);
}

// `verlet merge` on the command line. llama.cpp's convert_hf_to_gguf.py takes the folder from here.
const policy = await CausalLM.load(base, { adapter: `${output}/grpo` });
await policy.saveMerged(`${output}/merged`);
policy.dispose();
await (await loadTokenizer(base)).save(`${output}/merged`);

const reply = JSON.parse(await tool.run({ action: "evaluate", model_path: `${output}/merged`, max_samples: samples(100), max_new_tokens: 24 })) as Record<string, string>;
console.log(`merged: accuracy ${reply.accuracy} on ${reply.num_samples} questions`);
