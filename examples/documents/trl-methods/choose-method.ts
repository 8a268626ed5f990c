/** 方法选择指南: the columns of a data set say which methods it is for, and the registry which of them verlet trains. */
import { inspectRows, loadBuiltins, registry, type Row } from "verlet";

const question = { prompt: "What is 1+2?" };
const data: Readonly<Record<string, Row>> = {
  "demonstrations": { messages: [{ role: "user", content: "What is 1+2?" }, { role: "assistant", content: "3" }] },
  "preference pairs": { ...question, chosen: "3", rejected: "12" },
  "prompts with answers to check": { ...question, answer: "3" },
  "answers marked good or bad": { ...question, completion: "3", label: true },
};
const algorithms: Readonly<Record<string, string>> = { "SFT": "sft", "RL (GRPO, DAPO, PPO)": "grpo", "DPO": "dpo", "KTO": "kto", "reward model": "reward_model" };

await loadBuiltins();
for (const [name, row] of Object.entries(data)) {
  const { fits } = inspectRows({ rows: [row], where: () => name }, { columns: {}, chatTemplate: "auto", trainOn: "auto", maxLength: 1024, maxPromptTokens: 512, samples: 0 });
  const methods = fits.filter(({ rows }) => rows > 0).map(({ trainer }) => (registry.find("trainer", algorithms[trainer]!) ? trainer : `${trainer} (not in verlet yet)`));
  console.log(`${name}: ${methods.join(", ")}`);
}
