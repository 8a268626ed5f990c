import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeArithmetic, prepareSft, writeArithmetic, writeTinyModelFolder } from "@verlet/data";
import { loadTokenizer } from "@verlet/model";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "verlet-arithmetic-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("arithmetic data", () => {
  it("has the same bytes everywhere", async () => {
    const paths = await writeArithmetic(folder, { seed: 7, test: 500, rl: 1000, sft: 4000, forgetPercent: 70 });
    const hash = async (path: string): Promise<string> => createHash("sha256").update(await readFile(path)).digest("hex");
    expect(paths.sft).toBe(join(folder, "sft.jsonl"));
    expect(await hash(paths.test)).toBe("a782f7e46c55059b36eceb765e1bf61226bb91f0a14dbbccadb97b7a12b9a225");
    expect(await hash(paths.rl)).toBe("65103e54efd13e5d81ea311e79ab4fc7b809c478defb72fb6191e542608420cf");
    expect(await hash(paths.sft)).toBe("c646aa0a4e09fea2ce6831a7a77e5d3385d26f21312e0c493a25fd65b42a1dd7");
  });

  it("takes these numbers as defaults, and other seeds give other rows", () => {
    const { test, rl, sft } = makeArithmetic();
    expect([test.length, rl.length, sft.length]).toEqual([500, 1000, 4000]);
    expect(makeArithmetic({ seed: 7 })).toEqual({ test, rl, sft });
    expect(makeArithmetic({ seed: 8 }).test).not.toEqual(test);
  });

  it("works the sums out, with or without the carry", () => {
    const { test, sft } = makeArithmetic();
    expect(test.find(({ carry }) => carry)).toEqual({ question: "58+98=?", solution: "8+8=16, 5+9=14, 14+1=15 #### 156", answer: "156", carry: true });
    const right = ({ solution, answer }: { solution: string; answer: string }): boolean => solution.endsWith(`#### ${answer}`);
    expect(test.every(right)).toBe(true);
    expect(test.filter(({ carry }) => carry).length / 500).toBeCloseTo(0.61, 2);
    expect(sft.filter(right).length / 4000).toBeCloseTo(0.556, 3);
    expect(sft.every((row) => row.carry || right(row))).toBe(true);
  });

  it("has no question in two splits", () => {
    const { test, rl, sft } = makeArithmetic();
    expect(new Set([...test, ...rl, ...sft].map(({ question }) => question)).size).toBe(5500);
  });

  it("refuses more rows than there are questions", () => {
    expect(() => makeArithmetic({ sft: 8000 })).toThrow(/^\[arithmetic\] more rows than there are questions: got 9500 rows, expected at most \d+ with seed 7\.$/);
  });
});

describe("tiny model folder", () => {
  it("is a Qwen3 config of the recipe's shape", async () => {
    await writeTinyModelFolder(folder);
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({
      architectures: ["Qwen3ForCausalLM"],
      model_type: "qwen3",
      vocab_size: 274,
      hidden_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      head_dim: 32,
      intermediate_size: 384,
      initializer_range: 0.05,
      rope_theta: 10000,
      tie_word_embeddings: true,
      eos_token_id: 2,
      pad_token_id: 0,
    });
  });

  it("takes another shape", async () => {
    await writeTinyModelFolder(folder, { hiddenSize: 16, layers: 1, heads: 2, kvHeads: 1, headSize: 8, mlpSize: 32 });
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
    expect(config).toMatchObject({ hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 8, intermediate_size: 32 });
  });

  it("tokenises the rows as the recipe counts them", async () => {
    await writeTinyModelFolder(folder);
    const tokenizer = await loadTokenizer(folder);
    expect([tokenizer.eosTokenId, tokenizer.padTokenId, tokenizer.stopTokenIds]).toEqual([2, 0, [2]]);
    const section = { columns: { prompt: "question", completion: "solution" }, chatTemplate: "always", trainOn: "auto", maxLength: 64 } as const;
    const rows = makeArithmetic({ sft: 500 }).sft;
    const { examples, report } = prepareSft(rows, tokenizer, section, String);
    const trained = examples.map(({ mask }) => mask.reduce((a, b) => a + b, 0));
    expect(new Set(examples.map(({ mask }) => mask.indexOf(1)))).toEqual(new Set([14]));
    expect(Math.max(...trained)).toBe(29 + 1); // the template's newline after the stop token is trained too
    expect(report).toMatchObject({ kept: 500, truncated: 0, split: 0, templated: 500 });
    expect(tokenizer.decode(examples[0]!.ids)).toBe(`<|im_start|>user\n${rows[0]!.question}<|im_end|>\n<|im_start|>assistant\n${rows[0]!.solution}<|im_end|>\n`);
  });
});
