import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatTokenizer, Message } from "@verlet/core";
import { loadTokenizer } from "@verlet/model";
import { fixture, readJson } from "../../helpers/fixtures.js";

interface EncodeCase {
  text: string;
  ids: number[];
  ids_no_special: number[];
  decoded: string;
  decoded_skip_special: string;
}
interface Tables {
  eos_token_id: number;
  pad_token_id: number;
  encode: EncodeCase[];
  decode_partial?: { ids: number[]; decoded: string; decoded_skip_special: string }[];
}
interface ChatTables {
  chat: { messages: Message[]; add_generation_prompt: boolean; kwargs: Record<string, unknown>; text: string; ids: number[] }[];
  generation_template: string;
  assistant_masks: { messages: Message[]; text: string; ids: number[]; assistant_mask: number[]; trained_text: string }[];
}

const modelFolder = (name: string): string => fixture(`models/${name}`);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-tokenizer-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A copy of a fixture folder with some JSON files changed. */
async function changed(name: string, files: Record<string, object | string>): Promise<string> {
  await (await loadTokenizer(modelFolder(name))).save(folder);
  for (const [file, content] of Object.entries(files)) {
    await writeFile(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}

describe.each(["qwen3", "llama", "qwen2", "qwen3-sharded"])("golden texts of %s", async (name) => {
  const tokenizer = await loadTokenizer(modelFolder(name));
  const tables = readJson<Tables>(`tokenization/${name}.json`);
  const chats = readJson<ChatTables>(`tokenization/${name}-chat.json`);

  it(`encodes ${tables.encode.length} texts`, () => {
    for (const { text, ids, ids_no_special } of tables.encode) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.encode(text, { addSpecialTokens: false })).toEqual(ids_no_special);
    }
  });

  it("decodes whole and cut id lists", () => {
    for (const { ids, decoded, decoded_skip_special } of [...tables.encode, ...(tables.decode_partial ?? [])]) {
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(decoded_skip_special);
    }
  });

  it(`renders ${chats.chat.length} chats`, () => {
    for (const { messages, add_generation_prompt, kwargs, text, ids } of chats.chat) {
      const rendered = tokenizer.renderChat(messages, { addGenerationPrompt: add_generation_prompt, variables: kwargs });
      expect(rendered).toBe(text);
      expect(tokenizer.encode(rendered, { addSpecialTokens: false })).toEqual(ids);
    }
  });

  it("finds what generation blocks enclose", async () => {
    const own = await loadTokenizer(await changed(name, { "chat_template.jinja": chats.generation_template }));
    for (const { messages, text, trained_text } of chats.assistant_masks) {
      const marked = own.renderMarkedChat!(messages)!;
      expect(marked.text).toBe(text);
      expect(marked.spans.map(([start, end]) => text.slice(start, end)).join("")).toBe(trained_text);
    }
  });

  it("knows its stop and pad tokens", () => {
    expect(tokenizer.eosTokenId).toBe(tables.eos_token_id);
    expect(tokenizer.padTokenId).toBe(tables.pad_token_id);
    // the qwen folders list [eos, pad] as eos_token_id of generation_config.json
    expect(tokenizer.stopTokenIds).toEqual(name === "llama" ? [tables.eos_token_id] : [tables.eos_token_id, tables.pad_token_id]);
  });
});

describe("tokenizer folders", () => {
  it("reads a chat_template.jinja beside the tokenizer", async () => {
    const tokenizer = await loadTokenizer(modelFolder("qwen3-sharded"));
    expect(tokenizer.hasChatTemplate).toBe(true);
    expect(tokenizer.renderMarkedChat!([{ role: "assistant", content: "a" }])).toEqual({
      text: "<|im_start|>assistant\na<|im_end|>\n",
      spans: [[22, 33]],
    });
  });

  it("keeps the whitespace rules of block tags around generation blocks", async () => {
    const template = "{% for m in messages %}\n  {% generation %}\n  {{ m.content }}\n  {% endgeneration %}\n{% endfor %}|";
    const tokenizer = await loadTokenizer(await changed("qwen3-sharded", { "chat_template.jinja": template }));
    const marked = tokenizer.renderMarkedChat!([{ role: "assistant", content: "x" }])!;
    // lstrip_blocks and trim_blocks leave only the indentation before the variable and the newline after it.
    expect(marked).toEqual({ text: "  x\n|", spans: [[0, 4]] });
  });

  it("has no marked rendering for a template without generation blocks", async () => {
    const tokenizer = await loadTokenizer(modelFolder("qwen3"));
    expect(tokenizer.renderMarkedChat!([{ role: "user", content: "a" }])).toBeUndefined();
  });

  it("takes the template named default of several", async () => {
    const config = readJson<object>("models/qwen2/tokenizer_config.json");
    const chat_template = [
      { name: "tool_use", template: "tools" },
      { name: "default", template: "{{ messages[0].content }}!" },
    ];
    const tokenizer = await loadTokenizer(await changed("qwen2", { "tokenizer_config.json": { ...config, chat_template } }));
    expect(tokenizer.renderChat([{ role: "user", content: "a" }])).toBe("a!");
    await changed("qwen2", { "tokenizer_config.json": { ...config, chat_template: [chat_template[0]] } });
    await expect(loadTokenizer(folder)).rejects.toThrow(/templates named tool_use, expected a string, or a list with one named "default"/);
  });

  it("works without a template, and says what to do when one is asked for", async () => {
    const { chat_template: _, ...config } = readJson<Record<string, unknown>>("models/qwen2/tokenizer_config.json");
    const tokenizer = await loadTokenizer(await changed("qwen2", { "tokenizer_config.json": config }));
    expect(tokenizer.hasChatTemplate).toBe(false);
    expect(() => tokenizer.renderChat([])).toThrow(/no chat template\. Use plain strings with data\.chatTemplate: never/);
  });

  it("pads with eos where there is no pad token, and reads tokens written as objects", async () => {
    const { pad_token: _, ...config } = readJson<Record<string, unknown>>("models/qwen2/tokenizer_config.json");
    const files = { "tokenizer_config.json": { ...config, eos_token: { content: "<|im_end|>", special: true } } };
    const tokenizer = await loadTokenizer(await changed("qwen2", files));
    expect([tokenizer.eosTokenId, tokenizer.padTokenId]).toEqual([352, 352]);
  });

  it("falls back on special_tokens_map.json and config.json", async () => {
    await changed("qwen2", { "special_tokens_map.json": { eos_token: "<|im_end|>" }, "config.json": { eos_token_id: 350 } });
    await rm(join(folder, "tokenizer_config.json"));
    await rm(join(folder, "generation_config.json"));
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer.eosTokenId).toBe(352);
    expect(tokenizer.stopTokenIds).toEqual([350, 352]);
  });

  it("saves every tokenizer file and nothing else", async () => {
    const from = modelFolder("qwen3-sharded");
    await (await loadTokenizer(from)).save(join(folder, "out"));
    expect((await readdir(join(folder, "out"))).sort()).toEqual(["chat_template.jinja", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]);
    const again: ChatTokenizer = await loadTokenizer(join(folder, "out"));
    expect(again.encode("2 + 3 = 5")).toEqual((await loadTokenizer(from)).encode("2 + 3 = 5"));
    await again.save(join(folder, "out")); // onto itself
    expect(await readFile(join(folder, "out/tokenizer.json"), "utf8")).toBe(await readFile(join(from, "tokenizer.json"), "utf8"));
  });

  it("gives nothing for no tokens", async () => {
    const tokenizer = await loadTokenizer(modelFolder("llama"));
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.encode("", { addSpecialTokens: false })).toEqual([]);
  });
});

describe("tokenizer errors", () => {
  it("names a missing folder and a folder without a tokenizer", async () => {
    await expect(loadTokenizer(join(folder, "none"))).rejects.toThrow(/no tokenizer: got no such folder.*Check model\.path/);
    await expect(loadTokenizer("Qwen/Qwen3-0.6B")).rejects.toThrow("Models are folders here. Fetch it: hf download Qwen/Qwen3-0.6B --local-dir Qwen/Qwen3-0.6B");
    await writeFile(join(folder, "config.json"), "{}");
    await expect(loadTokenizer(folder)).rejects.toThrow(/got a folder with config\.json, expected .*tokenizer\.json/);
  });

  it("names a broken file", async () => {
    await expect(loadTokenizer(await changed("qwen2", { "tokenizer_config.json": "{" }))).rejects.toThrow(/tokenizer_config\.json\] not valid JSON/);
  });

  it("refuses a tokenizer that can never stop", async () => {
    const { eos_token: _, ...config } = readJson<Record<string, unknown>>("models/qwen2/tokenizer_config.json");
    await expect(
      loadTokenizer(await changed("qwen2", { "tokenizer_config.json": config, "generation_config.json": {} })),
    ).rejects.toThrow(/no end-of-sequence token.*Set eos_token in tokenizer_config\.json/);
  });

  it("shows the messages that a template refuses", async () => {
    const template = "{{ raise_exception('roles must alternate') }}";
    const tokenizer = await loadTokenizer(await changed("qwen3-sharded", { "chat_template.jinja": template }));
    expect(() => tokenizer.renderChat([{ role: "user", content: "hello" }])).toThrow(/roles must alternate.*hello/);
  });
});
