/**
 * `npm run bench`: verlet beside PyTorch + transformers on the same machine, alternating, so that only ratios of the same
 * minutes are compared. Writes bench/RESULTS.md. Options: --rounds N (default 3), --backend NAME, --cases a,b.
 */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, homedir } from "node:os";
import { join } from "node:path";
import util from "node:util";
import { ensureInstalled, main, root, SetupError } from "./ensure-installed.mjs";

/** 29.4 M parameters in Qwen3's shape. */
const model = {
  hidden_size: 512, num_hidden_layers: 8, num_attention_heads: 8, num_key_value_heads: 4, head_dim: 64,
  intermediate_size: 1536, vocab_size: 8192, tie_word_embeddings: true, max_position_embeddings: 1024,
};

const cases = [
  { name: "sft", title: "SFT step, 4 × 256, full fine-tune with AdamW, float32", case: "train", rows: 4, width: 256, count: 5 },
  { name: "decode8", title: "sampling with a KV cache, batch 8, a step", case: "decode", rows: 8, tokens: 96, count: 3 },
  { name: "decode32", title: "sampling with a KV cache, batch 32, a step", case: "decode", rows: 32, tokens: 96, count: 3 },
];

await main(async () => {
  const { values } = util.parseArgs({ options: { rounds: { type: "string", default: "3" }, backend: { type: "string", default: "auto" }, cases: { type: "string" } } });
  await ensureInstalled();
  const python = findPython();
  const wanted = values.cases?.split(",");
  const lines = [];
  let backend = "";
  for (const { name, title, ...options } of cases.filter(({ name }) => !wanted || wanted.includes(name))) {
    const ours = [];
    const theirs = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const own = await run(process.execPath, [join(root, "bench", "verlet.mjs"), JSON.stringify({ ...options, model, backend: values.backend })]);
      backend = `${own.backend}${own.tensorflow ? ` (TensorFlow ${own.tensorflow})` : ""}`;
      ours.push(own.ms);
      theirs.push((await run(python, [join(root, "bench", "peer.py"), JSON.stringify({ ...options, model, threads: availableParallelism() })])).ms);
    }
    const line = `| ${title} | ${describe(ours)} | ${describe(theirs)} | ${(middle(theirs) / middle(ours)).toFixed(2)}× |`;
    console.log(`${name}: ${line}`);
    lines.push(line);
  }
  writeFileSync(join(root, "bench", "RESULTS.md"), report(backend, Number(values.rounds), lines));
  console.log("Written to bench/RESULTS.md.");
});

/** The environment that the interop tests made: torch and transformers at the versions the tests compare with. */
function findPython() {
  const cache = process.env.VERLET_CACHE ?? join(homedir(), ".cache", "verlet");
  const folder = existsSync(cache) ? readdirSync(cache).find((name) => /^interop-[0-9a-f]+$/.test(name)) : undefined;
  if (!folder) throw new SetupError("[bench] no PyTorch to compare with. Run `npm test -- test/interop` once: it installs one in verlet's cache.");
  return join(cache, folder, "bin", "python");
}

function run(command, args) {
  return new Promise((resolve, reject) =>
    execFile(command, args, { cwd: root, maxBuffer: 1 << 24 }, (error, stdout, stderr) =>
      error ? reject(new SetupError(`${command} failed: ${stderr.slice(-2000)}`)) : resolve(JSON.parse(stdout.trim().split("\n").at(-1))),
    ),
  );
}

function middle(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function describe(values) {
  return `${middle(values).toFixed(1)} ms (${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)})`;
}

function report(backend, rounds, lines) {
  return `# verlet beside PyTorch

\`npm run bench\`, ${rounds} rounds, each side alternating with the other. Median (spread) of the rounds' medians; read the ratio.
Machine: ${cpus()[0].model.trim()}, ${availableParallelism()} threads, Node.js ${process.versions.node}; backend ${backend}.
Model: Qwen3 shape, hidden 512, 8 layers, 8 heads, 4 key heads of 64, MLP 1536, vocabulary 8192, tied (29.4 M parameters).

| measure | verlet | PyTorch | PyTorch's time over verlet's |
|---|---|---|---|
${lines.join("\n")}
`;
}
