/** Writes what both sides load: a model folder with random weights and a tokenizer of plain words, and rows of random words. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { shapes, weightsOf } from "./shapes.mjs";

/** Numbers drawn; a prime, so that no two rows of a weight are the same although the draws repeat. */
const DRAWN = 1048573;
/** The first words are never in the data: 0 pads, 1 and 2 are kept free. */
const FIRST_WORD = 3;

/**
 * The folder of a shape, made when it is not there.
 * @param {string} cache
 * @param {"a" | "0.6b"} name
 * @returns {Promise<string>}
 */
export async function modelFolder(cache, name) {
  const { dtype, config } = shapes[name];
  const hash = createHash("sha256").update(JSON.stringify(shapes[name])).digest("hex").slice(0, 12);
  const folder = join(cache, `bench-model-${name}-${hash}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const write = (file, value) => writeFile(join(unfinished, file), JSON.stringify(value));
  const eos = config.vocab_size; // outside the model's vocabulary: it is never sampled, so every completion has its full length
  await write("config.json", { ...config, torch_dtype: dtype, eos_token_id: eos });
  await write("generation_config.json", { eos_token_id: eos, pad_token_id: 0 });
  await write("tokenizer.json", tokenizer(config.vocab_size));
  await write("tokenizer_config.json", { tokenizer_class: "PreTrainedTokenizerFast", pad_token: "<pad>", eos_token: "<eos>", unk_token: "<unk>", padding_side: "left" });
  await writeWeights(join(unfinished, "model.safetensors"), config, dtype);
  await rename(unfinished, folder);
  return folder;
}

/** Rows of `width` random words each, as JSON lines with one column. */
export async function writeRows(path, { column, rows, width, vocabulary, seed = 1 }) {
  const random = generator(seed);
  const word = () => `t${FIRST_WORD + Math.floor(random() * (vocabulary - FIRST_WORD))}`;
  const lines = Array.from({ length: rows }, () => `${JSON.stringify({ [column]: Array.from({ length: width }, word).join(" ") })}\n`);
  await writeFile(path, lines.join(""));
}

/** One word, one token; both sides' tokenizer libraries read this kind. */
function tokenizer(size) {
  const names = ["<pad>", "<free>", "<unk>", ...Array.from({ length: size - FIRST_WORD }, (_, i) => `t${FIRST_WORD + i}`)];
  const special = (id, content) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(0, "<pad>"), special(2, "<unk>"), special(size, "<eos>")],
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: { type: "WordPiece", unk_token: "<unk>", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab: Object.fromEntries(names.map((name, id) => [name, id])) },
  };
}

/** normal(0, initializer_range), norms 1, written piece by piece. */
async function writeWeights(path, config, dtype) {
  const bytes = dtype === "bfloat16" ? 2 : 4;
  const weights = weightsOf(config);
  const size = ([, shape]) => bytes * shape.reduce((a, b) => a * b, 1);
  const header = { __metadata__: { format: "pt" } };
  let offset = 0;
  for (const weight of weights) {
    header[weight[0]] = { dtype: dtype === "bfloat16" ? "BF16" : "F32", shape: weight[1], data_offsets: [offset, (offset += size(weight))] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  const random = generator(7);
  const normal = () => config.initializer_range * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const draws = encode(Float32Array.from({ length: DRAWN }, normal), dtype);
  const one = encode(Float32Array.of(1), dtype);
  const file = await open(path, "w");
  try {
    await file.writev([length, padded]);
    for (const weight of weights) {
      const left = size(weight);
      if (weight[0].endsWith("norm.weight")) await file.write(Buffer.alloc(left, one));
      else for (let done = 0; done < left; done += draws.length) await file.write(draws.subarray(0, Math.min(draws.length, left - done)));
    }
  } finally {
    await file.close();
  }
}

/** Little-endian bytes; bfloat16 is the upper half of a float32. */
function encode(values, dtype) {
  if (dtype === "float32") return Buffer.from(values.buffer);
  return Buffer.from(Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16).buffer);
}

/** mulberry32: uniform numbers in [0, 1). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}
