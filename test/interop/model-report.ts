/** What verlet computes with a model folder, and the same as load_models.py found it with Python's libraries. */
import { join } from "node:path";
import { Rng, type ChatTokenizer, type Message } from "@verlet/core";
import { decodeFloats, loadTokenizer, readSafetensors, type CausalLM } from "@verlet/model";

const MAX_NEW_TOKENS = 12;

/** Two rows, the second padded on the left. */
const IDS = [
  [5, 17, 42, 101, 7, 88, 64, 23, 90],
  [0, 0, 0, 31, 77, 12, 9, 55, 140],
];
const MASK = IDS.map((row, i) => row.map((_, t) => (i === 1 && t < 3 ? 0 : 1)));
const PROMPTS = ["2+3=", "What is 12 + 30?"];
const TEXTS = ["Hello, world!", "  12+30=?\n#### 42 é 中"];
export const MESSAGES: Message[] = [
  { role: "user", content: "47+38=?" },
  { role: "assistant", content: "85" },
  { role: "user", content: "Are you sure?" },
];

export interface PythonCase {
  folder: string;
  adapter?: string;
  /** Let PEFT find the base model in the adapter's own config. */
  autoPeft?: boolean;
  /** Merge the adapter before computing. */
  merged?: boolean;
  /** Where the tokenizer lies, when not in `folder`. */
  tokenizer?: string;
}

export interface Report {
  logits: Float32Array;
  generated: { ids: number[]; text: string }[];
  tokens: number[][];
  chat: string | undefined;
}

export interface PythonReport extends Omit<Report, "logits"> {
  /** The file with the logits. */
  file: string;
  /** Missing, unexpected or mismatched tensors that transformers saw; empty when all is well. */
  problems?: object;
  /** Of the weights as stored. */
  dtype?: string;
  peft?: object;
}

/** Fills in what load_models.py is asked about each case. */
export function pythonRequest(cases: readonly PythonCase[], scratch: string): { cases: object[] } {
  return {
    cases: cases.map((one, i) => ({
      ...one,
      logits: join(scratch, `logits-${i}.safetensors`),
      ids: IDS,
      mask: MASK,
      prompts: PROMPTS,
      texts: TEXTS,
      messages: MESSAGES,
      maxNewTokens: MAX_NEW_TOKENS,
    })),
  };
}

export async function reportOf(model: CausalLM, folder: string): Promise<Report> {
  const tokenizer = await loadTokenizer(folder);
  const tensor = model.logits(Int32Array.from(IDS.flat()), MASK.flat(), IDS.length, IDS[0]!.length); // [B, T, V]
  const logits = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return {
    logits,
    generated: await generateGreedily(model, tokenizer),
    tokens: TEXTS.map((text) => tokenizer.encode(text)),
    chat: tokenizer.renderChat(MESSAGES, { addGenerationPrompt: true }),
  };
}

/** The largest difference of the logits at real tokens. */
export async function logitDifference(ours: Float32Array, file: string): Promise<number> {
  const { data, dtype } = (await readSafetensors(file)).get("logits")!;
  const theirs = decodeFloats(data, dtype);
  if (ours.length !== theirs.length) throw new Error(`${ours.length} logits here and ${theirs.length} there`);
  const vocabulary = ours.length / MASK.flat().length;
  let worst = 0;
  MASK.flat().forEach((real, position) => {
    for (let v = 0; real && v < vocabulary; v++) {
      const i = position * vocabulary + v;
      worst = Math.max(worst, Math.abs(ours[i]! - theirs[i]!));
    }
  });
  return worst;
}

async function generateGreedily(model: CausalLM, tokenizer: ChatTokenizer): Promise<Report["generated"]> {
  const prompts = PROMPTS.map((text) => tokenizer.encode(text, { addSpecialTokens: false }));
  const options = { maxNewTokens: MAX_NEW_TOKENS, temperature: 0, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: tokenizer.stopTokenIds };
  const rows = await model.generate(prompts, options, new Rng(0));
  return rows.map(({ ids }) => ({ ids, text: tokenizer.decode(ids, { skipSpecialTokens: true }) }));
}
