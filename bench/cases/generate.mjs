import { CausalLM, Rng, selectBackend } from "verlet";
import { shapes } from "../shapes.mjs";
import { finish, given, timed } from "./process.mjs";

const { folder, rows, newTokens, backend } = given;
await selectBackend(backend);
const model = await CausalLM.load(folder);
const rng = new Rng(1);
const { vocab_size: vocabulary } = shapes[given.model].config;
const options = { maxNewTokens: newTokens, temperature: 1, topP: 1, topK: 0, minP: 0, repetitionPenalty: 1, stopTokenIds: [] };
const generate = async () => {
  const sampled = await model.generate(Array.from({ length: rows }, () => [3 + rng.below(vocabulary - 3)]), options, rng);
  if (sampled.some(({ ids }) => ids.length !== newTokens)) throw new Error("a completion has not its full length");
};
const times = await timed(generate, given);
finish({ times: times.map((time) => time / newTokens), tokens: rows });
