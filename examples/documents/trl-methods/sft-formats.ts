/** The three data formats of SFT: chats, text, prompts with completions. What each trains on differs. */
import { SFTTrainerWrapper, type Row } from "verlet";
import { model, outputOf } from "../settings.ts";

const output = outputOf("trl-methods/sft-formats");

const formats: Readonly<Record<string, Row[]>> = {
  messages: [{ messages: [{ role: "user", content: "What is 1+2?" }, { role: "assistant", content: "1+2=3" }] }],
  text: [{ text: "What is 1+2? 1+2=3" }],
  "prompt and completion": [{ prompt: "What is 1+2?", completion: "1+2=3" }],
};

for (const [name, dataset] of Object.entries(formats)) {
  let report = "";
  const lines = { step: () => undefined, line: (text: string) => void (report ||= /[0-9]+ tokens, .*/.exec(text)?.[0] ?? "") };
  const trainer = new SFTTrainerWrapper({ modelName: model("Qwen/Qwen2.5-0.5B"), dataset, outputDir: `${output}/${name}`, maxSteps: 1, console: false, loggers: [lines] });
  const { finalLoss } = await trainer.train();
  console.log(`${name}: ${report}; loss ${finalLoss!.toFixed(4)}`);
}
