/** bench/RESULTS.md from what was measured. */
import { cases } from "./case-list.mjs";

const GB = 1e9;

/** Goals in words, and whether the numbers reach them. */
const goals = {
  ratio: (least, { ratio }) => [`≥ ${least.toFixed(1)}×`, ratio.middle >= least],
  slower: (most, { ratio }) => [`≤ ${most}× native's time`, 1 / ratio.middle <= most],
  peakGb: (most, { peak }) => [`≤ ${most} GB`, peak.ours <= most],
  peakShare: (most, { peak }) => [`peak ≤ ${most} of the peer's`, peak.ours <= most * peak.theirs],
  seconds: (most, { ours }) => [`≤ ${most} s`, ours.middle <= 1000 * most],
};

/** @param {{ environment: object, rows: Record<string, object> }} store */
export function report({ environment, rows }) {
  const { machine, backend = "none measured", peers = "none measured", peerThreads } = environment;
  const measured = cases.filter(({ name }) => rows[name]);
  const main = measured.filter(({ table }) => !table);
  const memory = measured.filter(({ table }) => table === "memory");
  return `# verlet beside TRL and transformers

\`npm run bench\`. Both sides run in turn, each time in a new process; of every process the median of its timed steps is taken. Given are the median of the rounds and, in brackets, the least and the most. The ratio is the peer's time over verlet's, round by round: above 1 verlet is faster. Peak is the process's highest resident memory up to the last timed step.

- Machine: ${machine}.
- verlet: backend ${backend}.
- Peers: ${peers}${peerThreads ? `, ${peerThreads} threads` : ""}.
- Model A: Qwen3's shape, hidden 512, 8 layers, 8 heads, 4 key heads of 64, MLP 1536, vocabulary 8192, tied (29.4 M parameters). Random weights.
- SFT: every token in the loss, no padding, AdamW, one update a batch, through \`verlet\`'s manager and TRL's SFTTrainer. GRPO: no KL term, one update a sampled batch, completions of exactly 64 tokens, through the manager and TRL's GRPOTrainer with transformers' sampling; verlet's update takes 8 rows at a time (trainer.microBatchSize), TRL's all 32. bfloat16 compute: float32 master weights; TRL's is autocast.

| measure | verlet | peer | ratio | peak RSS, verlet / peer | goal | measured, load average |
|---|---|---|---|---|---|---|
${main.map((record) => line(record, rows[record.name])).join("\n")}

${main.flatMap((record) => notes(record, rows[record.name])).join("\n")}
${memory.length > 0 ? memoryTable(memory, rows) : ""}`;
}

/** What both sides say of a part of the measure, in a line each. */
function notes(record, { ours, theirs }) {
  const value = (side, part) => median(side.flatMap(({ parts }) => parts?.[part] ?? []));
  const names = Object.keys(ours.find(({ parts }) => parts)?.parts ?? {}).filter((part) => theirs.some(({ parts }) => parts && part in parts));
  const show = (part, number) => (part.startsWith("peak") ? gigabytes(number / GB) : seconds(number));
  return names.map((part) => `- ${record.title}: ${part} ${show(part, value(ours, part))}, the peer's ${show(part, value(theirs, part))}.`);
}

/** The line of one case for the screen. */
export function describeRow(record, row) {
  const { ours, theirs, ratio, peak } = numbers(row);
  return `${time(record, ours)} beside ${time(record, theirs)}, ${times(ratio)}; peak ${gigabytes(peak.ours)} beside ${gigabytes(peak.theirs)}`;
}

function line(record, row) {
  const all = numbers(row);
  const reached = Object.entries(record.goal ?? {}).map(([kind, value]) => {
    const [words, met] = goals[kind](value, all);
    return `${words}: ${met ? "yes" : "no"}`;
  });
  const { ours, theirs, ratio, peak } = all;
  const rounds = `${row.ours.length} ${row.ours.length === 1 ? "round" : "rounds"}`;
  return `| ${record.title} | ${speed(record, ours)} | ${speed(record, theirs)} | ${times(ratio)} | ${gigabytes(peak.ours)} / ${gigabytes(peak.theirs)} | ${reached.join("; ") || "–"} | ${row.when}, ${rounds}, ${row.load} |`;
}

/** Medians and ranges over the rounds; a side that failed counts in none. */
function numbers({ ours, theirs }) {
  const each = (side) => side.map(({ times }) => (times ? median(times) : NaN));
  const [own, peer] = [each(ours), each(theirs)];
  const peak = (side) => Math.max(...side.map(({ peak }) => peak ?? NaN)) / GB;
  const tokens = ours.find((result) => result.tokens)?.tokens;
  return {
    ours: { ...range(own), tokens },
    theirs: { ...range(peer), tokens },
    ratio: range(own.map((ms, i) => (peer[i] ?? NaN) / ms)),
    peak: { ours: peak(ours), theirs: peak(theirs) },
  };
}

function memoryTable(memory, rows) {
  const lines = memory.map((record, i) => {
    const now = numbers(rows[record.name]);
    const before = i > 0 && memory[i - 1].width * 2 === record.width ? numbers(rows[memory[i - 1].name]) : undefined;
    const more = (side) => (before ? ` (${signed(now.peak[side] - before.peak[side])})` : "");
    return `| ${record.width} | ${gigabytes(now.peak.ours)}${more("ours")} | ${gigabytes(now.peak.theirs)}${more("theirs")} | ${speed(record, now.ours)} | ${speed(record, now.theirs)} | ${rows[record.name].when} |`;
  });
  return `
## Memory as rows get longer

Model A, full fine-tune in float32, 2 rows, gradient checkpointing on both sides. In brackets what twice the length added: with linear growth each is twice the one before it, with quadratic growth four times.

| tokens a row | peak RSS, verlet | peak RSS, TRL | verlet | TRL | measured |
|---|---|---|---|---|---|
${lines.join("\n")}
`;
}

function range(values) {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length > 0 ? { middle: median(known), least: Math.min(...known), most: Math.max(...known) } : { middle: NaN, least: NaN, most: NaN };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

function speed(record, { tokens, ...all }) {
  if (Number.isNaN(all.middle)) return "failed";
  return record.kind === "sft" ? `${Math.round((1000 * tokens) / all.middle)} tokens/s; ${time(record, all)}` : time(record, all);
}

function time(record, { middle, least, most }) {
  if (Number.isNaN(middle)) return "failed";
  const inSeconds = middle >= 2000;
  const show = (ms) => (inSeconds ? (ms / 1000).toFixed(2) : ms.toFixed(ms < 100 ? 1 : 0));
  return `${show(middle)} ${inSeconds ? "s" : "ms"} (${show(least)}–${show(most)})`;
}

function times({ middle, least, most }) {
  return Number.isNaN(middle) ? "–" : `${middle.toFixed(2)}× (${least.toFixed(2)}–${most.toFixed(2)})`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

function gigabytes(value) {
  return Number.isNaN(value) ? "–" : `${value.toFixed(2)} GB`;
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}
