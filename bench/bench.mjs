/** Runs cases, keeps what was measured, and writes the table. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, loadavg, totalmem } from "node:os";
import { join } from "node:path";
import { modelFolder } from "./model-folder.mjs";
import { cacheFolder, peerPython } from "./peer-environment.mjs";
import { describeRow, report } from "./report.mjs";
import { runSide } from "./run-side.mjs";

const RESULTS = join(import.meta.dirname, "results.json");
const TABLE = join(import.meta.dirname, "RESULTS.md");
const GB = 1e9;

/**
 * @param {{ rounds: number, cases: object[], backend: string }} options
 * @returns {Promise<number>} the exit status: 1 when a side of a case failed
 */
export async function bench({ rounds, cases, backend }) {
  const python = await peerPython();
  const store = readStore();
  let failed = false;
  for (const record of cases) {
    const lack = lacking(record);
    if (lack) {
      console.log(`${record.name}: left out, ${lack}`);
      continue;
    }
    const folder = record.model && (await modelFolder(cacheFolder(), record.model));
    const full = { ...record, folder, backend, threads: availableParallelism() };
    const row = { when: new Date().toISOString().slice(0, 16).replace("T", " "), load: round(loadavg()[0]), ours: [], theirs: [] };
    if (row.load > availableParallelism() / 2) console.log(`${record.name}: this machine is busy (load average ${row.load}); times mean little`);
    for (let i = 0; i < Math.min(rounds, record.rounds ?? rounds); i++) {
      for (const side of i % 2 === 0 ? ["ours", "theirs"] : ["theirs", "ours"]) {
        const result = await runSide(side, full, python);
        if (result.failed) console.log(`${record.name}, ${side === "ours" ? "verlet" : "the peer"}: ${result.failed}`);
        row[side].push(result);
        failed ||= result.failed !== undefined;
        if (result.unavailable) break;
      }
      const missing = row.ours.find(({ unavailable }) => unavailable)?.unavailable;
      if (missing) {
        console.log(`${record.name}: left out, not available: ${missing}`);
        break;
      }
      store.environment = { ...store.environment, ...versionsOf(row) };
      store.rows[record.name] = row;
      save(store);
    }
    if (store.rows[record.name] === row) console.log(`${record.name}: ${describeRow(record, row)}`);
  }
  save(store);
  console.log("Written to bench/RESULTS.md.");
  return failed ? 1 : 0;
}

/** What was measured here before; on another machine it starts anew. */
function readStore() {
  const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} threads, ${round(totalmem() / GB)} GB, Node.js ${process.versions.node}`;
  const fresh = { environment: { machine }, rows: {} };
  if (!existsSync(RESULTS)) return fresh;
  const old = JSON.parse(readFileSync(RESULTS, "utf8"));
  if (old.environment.machine === machine) return old;
  console.log(`The results so far are of another machine (${old.environment.machine}) and are replaced.`);
  return fresh;
}

function versionsOf({ ours, theirs }) {
  const own = ours.find(({ backend, tensorflow }) => backend && tensorflow);
  const peer = theirs.find(({ versions }) => versions);
  return {
    ...(own && { backend: `${own.backend} (TensorFlow ${own.tensorflow}), ${own.threads} threads` }),
    ...(peer && { peers: Object.entries(peer.versions).map(([name, version]) => `${name} ${version}`).join(", "), peerThreads: availableParallelism() }),
  };
}

function lacking({ needsGb = 0 }) {
  const free = round(freemem() / GB);
  return free < needsGb ? `it needs ${needsGb} GB of free memory and there are ${free}` : undefined;
}

function save(store) {
  writeFileSync(RESULTS, `${JSON.stringify(store)}\n`);
  writeFileSync(TABLE, report(store));
}

function round(value) {
  return Math.round(10 * value) / 10;
}
