/**
 * 快速开始 → 在Agent中使用: an agent that trains when it is told to. With OPENAI_API_KEY the model of the document decides
 * which tool to call; without it, a server on this machine says what that model would. The training is real either way.
 */
import { RLTrainingTool } from "verlet";
import { SimpleAgent } from "../../agent/simple-agent.ts";
import { startStubServer } from "../../agent/stub-chat-server.ts";
import { epochs, gsm8k, model, outputOf, samples } from "../settings.ts";

const output = outputOf("rl-guide/2-3-agent");
const apiKey = process.env.OPENAI_API_KEY;

const stub = apiKey === undefined ? await startStubServer(({ messages }) => sayInPlaceOfAModel(messages.at(-1)!)) : undefined;

const tool = new RLTrainingTool();
tool.registerDataset("gsm8k", gsm8k);

const agent = new SimpleAgent({
  name: "TrainingAgent",
  llmConfig: { model: "gpt-4o-mini", baseUrl: stub?.url ?? "https://api.openai.com/v1", ...(apiKey !== undefined && { apiKey }) },
  tools: [tool],
});

const response = await agent.run(
  `请用SFT算法训练一个Qwen2-0.5B模型(${model("Qwen/Qwen2-0.5B-Instruct")})，使用gsm8k数据集的${samples(100)}个样本，训练${epochs(3)}轮，保存到${output}/sft`,
);
console.log(response);
await stub?.close();

function sayInPlaceOfAModel({ role, content }: { role: string; content: string | null }) {
  if (role === "tool") {
    const { steps, final_loss, output_dir } = JSON.parse(content!) as { steps: number; final_loss: number; output_dir: string };
    return { answer: `训练完成: ${steps}步, 最终损失${final_loss.toFixed(3)}, 模型在${output_dir}` };
  }
  return {
    call: { action: "train", algorithm: "sft", model_name: model("Qwen/Qwen2-0.5B-Instruct"), dataset: "gsm8k", max_samples: samples(100), num_epochs: epochs(3), output_dir: `${output}/sft` },
  };
}
