/** What SFT teaches to answer is what RL and evaluation ask. */
import { formatMathDataset } from "@verlet/agents";
import { placeOf, preparePrompts, prepareSft } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";
import { expect, test } from "vitest";
import { chooseTemplate } from "../../../packages/agents/dist/data/choose-template.js";
import { model, questions } from "./tiny.js";

const tokenizer = await loadTokenizer(model);
const demonstrations = formatMathDataset(questions, { formatType: "sft" });
const asked = formatMathDataset(questions, { formatType: "rl" });

test("the tokens before the trained ones are those of the RL prompt, and the stop token is trained", () => {
  const chatTemplate = chooseTemplate(tokenizer, demonstrations, {}, undefined);
  expect([chatTemplate, chooseTemplate(tokenizer, asked, { answer: "ground_truth" }, undefined)]).toEqual(["always", "always"]);
  const { examples } = prepareSft(demonstrations, tokenizer, { columns: {}, chatTemplate, trainOn: "auto", maxLength: 512 }, String);
  const { prompts } = preparePrompts(asked, tokenizer, { columns: {}, chatTemplate, maxPromptTokens: 512 }, (i) => placeOf(asked[i]!) ?? String(i));
  expect(examples).toHaveLength(4);
  examples.forEach(({ ids, mask }, i) => {
    const start = mask.indexOf(1);
    expect(ids.slice(0, start)).toEqual(prompts[i]!.ids);
    expect(ids.some((id, t) => mask[t] === 1 && tokenizer.stopTokenIds.includes(id))).toBe(true);
  });
});

test("what is rendered already, plain text, and a choice of the user's stay", () => {
  const rendered = asked.map((row) => ({ ...row, prompt: tokenizer.renderChat([{ role: "user", content: String(row.question) }], { addGenerationPrompt: true }) }));
  expect(chooseTemplate(tokenizer, rendered, {}, undefined)).toBe("auto");
  expect(chooseTemplate(tokenizer, [{ text: "a" }], {}, undefined)).toBe("auto");
  expect(chooseTemplate(tokenizer, [{ body: "a" }], { text: "body" }, undefined)).toBe("auto");
  expect(chooseTemplate(tokenizer, asked, {}, "never")).toBe("never");
  expect(chooseTemplate({ ...tokenizer, hasChatTemplate: false } as never, asked, {}, undefined)).toBe("auto");
});
