/**
 * Where the time of one of our cases goes, by TensorFlow op:
 *
 *   node bench/profile.mjs sft [--shapes] [--top 25] [--steps 2] [--set key=value]
 *
 * Native executes every op through `backend.binding`, which is looked at from outside here. `--shapes` tells calls with
 * other input shapes apart, `--set key=value` changes the case's record: `--set compile=false` shows the ops of what
 * otherwise is one graph. What is not in an op, a read or an upload is
 * JavaScript: building the calls, tfjs' own bookkeeping, garbage collection.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import util from "node:util";
import { cases } from "./case-list.mjs";
import { modelFolder } from "./model-folder.mjs";
import { cacheFolder } from "./peer-environment.mjs";

const { values, positionals } = util.parseArgs({
  allowPositionals: true,
  options: {
    shapes: { type: "boolean", default: false },
    top: { type: "string", default: "25" },
    steps: { type: "string", default: "2" },
    backend: { type: "string", default: "native" },
    set: { type: "string", multiple: true, default: [] },
  },
});
const found = cases.find(({ name, model }) => name === positionals[0] && model);
if (!found) {
  console.error(`[profile] no such case: got ${positionals[0]}, expected one of ${cases.filter(({ model }) => model).map(({ name }) => name).join(", ")}.`);
  process.exit(1);
}
const work = mkdtempSync(join(tmpdir(), "verlet-profile-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
const changes = Object.fromEntries(values.set.map((text) => [text.split("=")[0], JSON.parse(text.slice(text.indexOf("=") + 1))]));
const record = { ...found, steps: Number(values.steps), ...changes, backend: values.backend, work, folder: await modelFolder(cacheFolder(), found.model) };
process.argv[2] = JSON.stringify(record);

/** Time and calls by name of the op or of the binding's method. */
let totals = new Map();
let collected = 0;
let began = 0;
const shapes = new Map();

const { selectBackend, tf } = await import("verlet");
await selectBackend(values.backend);
const backend = tf.backend();
const real = backend.binding;
if (!real) throw new Error("[profile] only the native backend executes ops one by one through a binding; run verlet setup");
const watched = {
  executeOp(name, attributes, inputs, outputs) {
    const start = performance.now();
    const results = real.executeOp(name, attributes, inputs, outputs);
    const ms = performance.now() - start;
    for (const { id, shape } of results) shapes.set(id, shape);
    const label = name.startsWith("verlet_") ? `(graph ${name.replace(/_\d+$/, "")})` : name;
    add(values.shapes ? `${label} ${inputs.map((id) => `[${shapes.get(id) ?? "?"}]`).join(" ")}` : label, ms);
    return results;
  },
  createTensor(shape, dtype, data) {
    const id = around("(upload)", () => real.createTensor(shape, dtype, data));
    shapes.set(id, shape);
    return id;
  },
  tensorDataSync: (id) => around("(read back)", () => real.tensorDataSync(id)),
  deleteTensor: (id) => around("(delete)", () => real.deleteTensor(id)),
};
backend.binding = new Proxy({}, { get: (_, key) => watched[key] ?? real[key] });

new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (collected += duration))).observe({ entryTypes: ["gc"] });
const { probe } = await import("./cases/process.mjs");
probe.begin = () => {
  totals = new Map();
  collected = 0;
  began = performance.now();
};
probe.end = report;
await import(`./cases/${found.kind}.mjs`);

function around(label, call) {
  const start = performance.now();
  const result = call();
  add(label, performance.now() - start);
  return result;
}

function add(label, ms) {
  const total = totals.get(label) ?? { ms: 0, calls: 0 };
  total.ms += ms;
  total.calls += 1;
  totals.set(label, total);
}

function report() {
  const steps = record.steps;
  const all = performance.now() - began;
  const rows = [...totals].sort(([, a], [, b]) => b.ms - a.ms);
  const inside = rows.reduce((sum, [, { ms }]) => sum + ms, 0);
  const line = (label, ms, calls) =>
    `${(ms / steps).toFixed(1).padStart(9)} ms ${((100 * ms) / all).toFixed(1).padStart(5)} %  ${calls === undefined ? "".padStart(7) : (calls / steps).toFixed(0).padStart(7)}  ${label}`;
  console.log(`${found.title}: ${(all / steps).toFixed(1)} ms a step (profiled), ${steps} steps\n     time of a step    calls`);
  for (const [label, { ms, calls }] of rows.slice(0, Number(values.top))) console.log(line(label, ms, calls));
  console.log(line("(everything else: JavaScript)", all - inside));
  console.log(line("  of it garbage collection", collected));
}
