/** 常见问题 → 如何使用训练后的模型: the folder loads here as it does with transformers, and answers. */
import { CausalLM, loadTokenizer, preparePrompts, Rng, sampleGroups } from "verlet";
import { sft } from "./1-3-sft-then-grpo.ts"; // trains it

const model = await CausalLM.load(sft);
const tokenizer = await loadTokenizer(sft);

const rows = [{ prompt: "Question: What is 2+2?\n\nLet's solve this step by step:\n" }];
const { prompts } = preparePrompts(rows, tokenizer, { columns: {}, chatTemplate: "always", maxPromptTokens: 256 }, () => "the question");
const sampling = { numGenerations: 1, temperature: 0, maxNewTokens: 24, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1 };
const [answer] = await sampleGroups(model, tokenizer, prompts, sampling, new Rng(0));
console.log(answer!.completion);
model.dispose();
