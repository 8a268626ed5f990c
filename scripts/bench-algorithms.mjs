/**
 * `npm run bench:algorithms`: every algorithm on the quickstart's arithmetic task, from one SFT checkpoint, over several
 * seeds. Writes bench/ALGORITHMS.md. Options: --seeds 1,2,3, --only grpo,ppo, --backend NAME, --output DIR. Runs that are
 * already in the output folder are not repeated.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import util from "node:util";
import { ensureInstalled, main, root, SetupError } from "./ensure-installed.mjs";

/** The keys in which a run differs from bench/arithmetic.yaml, beside what the algorithm or preset sets itself. */
const algorithms = {
  grpo: [],
  dapo: [],
  drgrpo: [],
  rloo: [],
  reinforce_plus_plus: [],
  gspo: [],
  cispo: [],
  ppo: ["algorithm.critic.learningRate=1e-3", "advantage.lam=0.95", "rollout.numGenerations=1", "trainer.batchSize=128"],
  remax: [],
  prime: ["algorithm.rewardModel.learningRate=1e-3", "algorithm.filter.oversample=2"],
};

const PASSED = 0.8;

await main(async () => {
  const { values } = util.parseArgs({
    options: { seeds: { type: "string", default: "1,2,3" }, only: { type: "string" }, backend: { type: "string", default: "auto" }, output: { type: "string", default: join(root, "output", "bench-algorithms") } },
  });
  await ensureInstalled();
  const output = resolve(values.output);
  mkdirSync(output, { recursive: true });
  const seeds = values.seeds.split(",").map(Number);
  const names = values.only?.split(",") ?? Object.keys(algorithms);
  const unknown = names.filter((name) => !(name in algorithms));
  if (unknown.length > 0) throw new SetupError(`[bench] unknown algorithm: got ${unknown.join(", ")}, expected some of ${Object.keys(algorithms).join(", ")}.`);

  const quickstart = await prepare(output, values.backend);
  const rows = [];
  for (const name of names) {
    const runs = [];
    for (const seed of seeds) {
      const run = await train(output, quickstart, name, seed, values.backend);
      console.log(`${name} seed ${seed}: accuracy ${run.accuracy.toFixed(3)}, ${run.passed ?? "never"} steps to ${PASSED * 100} %`);
      runs.push(run);
    }
    rows.push([name, runs]);
  }
  writeFileSync(join(root, "bench", "ALGORITHMS.md"), report(rows, seeds, quickstart));
  console.log("Written to bench/ALGORITHMS.md.");
});

/** The quickstart's data and SFT model, made once; its GRPO stage is cut to a step. */
async function prepare(output, backend) {
  const folder = join(output, "quickstart");
  const record = join(output, "quickstart.json");
  if (!existsSync(record)) {
    const last = await node([join(root, "scripts", "quickstart.mjs"), "--json", "--output", folder, "--grpo-steps", "1", "--backend", backend], join(output, "quickstart.log"));
    writeFileSync(record, last);
  }
  return { folder, ...JSON.parse(readFileSync(record, "utf8")) };
}

async function train(output, { folder }, name, seed, backend) {
  const outputDir = join(output, name, `seed-${seed}`);
  const metrics = join(outputDir, "metrics.jsonl");
  if (!existsSync(join(outputDir, "config.json"))) {
    const overrides = [
      `algorithm=${name}`, ...algorithms[name], `model.path=${join(folder, "sft")}`, `data.train=${join(folder, "data", "rl.jsonl")}`,
      `data.eval=${join(folder, "data", "test.jsonl")}`, `trainer.seed=${seed}`, `trainer.outputDir=${outputDir}`, `backend=${backend}`,
    ];
    mkdirSync(outputDir, { recursive: true });
    await node([join(root, "packages", "cli", "bin", "verlet.js"), "train", join(root, "bench", "arithmetic.yaml"), ...overrides], join(outputDir, "log.txt"));
  }
  const records = readFileSync(metrics, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const accuracies = records.filter((record) => "eval/rewards/accuracy/mean" in record).map((record) => [record.step, record["eval/rewards/accuracy/mean"]]);
  return {
    accuracy: accuracies.at(-1)[1],
    passed: accuracies.find(([, accuracy]) => accuracy >= PASSED)?.[0],
  };
}

/** Runs a node program with its output in a log file; gives back the last line. */
function node(args, log) {
  const file = openSync(log, "w");
  return new Promise((resolved, rejected) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", file, file] });
    child.on("error", rejected);
    child.on("exit", (code) => {
      const text = readFileSync(log, "utf8").trim();
      if (code === 0) resolved(text.split("\n").at(-1));
      else rejected(new SetupError(`[bench] a run failed (${args.slice(1, 4).join(" ")}): ${text.slice(-1500)}\nIts output is in ${log}.`));
    });
  });
}

function report(rows, seeds, { accuracy, backend }) {
  const list = (runs, pick) => runs.map(pick).join(" · ");
  return `# Algorithms on the quickstart's arithmetic

\`npm run bench:algorithms\`: 40 steps of 16 prompts × 8 samples from one SFT checkpoint (greedy accuracy ${accuracy.sft.toFixed(3)}), learning rate 2e-4, seeds ${seeds.join(", ")}.
Accuracy is of greedy answers to the 500 held-out questions after the last step; steps to ${PASSED * 100} % are measured every second step.
Machine: ${cpus()[0].model.trim()}, ${cpus().length} threads, Node.js ${process.versions.node}; backend ${backend}.

| algorithm | final accuracy, by seed | steps to ${PASSED * 100} %, by seed |
|---|---|---|
${rows.map(([name, runs]) => `| \`${name}\` | ${list(runs, (r) => r.accuracy.toFixed(3))} | ${list(runs, (r) => r.passed ?? "–")} |`).join("\n")}

What each run adds to bench/arithmetic.yaml is the algorithm's name${Object.entries(algorithms).flatMap(([name, keys]) => (keys.length ? [` (${name}: ${keys.join(", ")})`] : [])).join("")}; the preset or trainer brings the rest: docs/algorithms.md.
`;
}
