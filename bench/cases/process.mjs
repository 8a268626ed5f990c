/** What every case of ours does around its work: reads its record, and prints one line of JSON. */
import { readFileSync, writeSync } from "node:fs";
import { activeBackend } from "verlet";

/** The case's record with `folder` (the model's), `work` (an empty folder) and `backend`. */
export const given = JSON.parse(process.argv[2] ?? "{}");

/** For the profile: told when the warm-up is over, and when the measured part is. */
export const probe = { begin() {}, end() {} };

let cpu = process.cpuUsage();

/** The warm-up is over. */
export function begin() {
  probe.begin();
  cpu = process.cpuUsage();
}

/** Highest resident memory of this process so far, in bytes. */
export function peakMemory() {
  try {
    return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}

/**
 * Prints the measurement, the processor's ms of one time among it, and ends the process, so that nothing that follows it (a checkpoint, the saved model) is waited for.
 * @param {{ times: number[], tokens?: number, parts?: Record<string, number> }} measured times in ms, tokens of each
 */
export function finish(measured) {
  probe.end();
  const { user, system } = process.cpuUsage(cpu);
  const { name, tensorflowVersion, threads } = activeBackend();
  print({ cpu: (user + system) / 1000 / measured.times.length, peak: peakMemory(), ...measured, backend: name, tensorflow: tensorflowVersion, threads });
}

/** Nothing to measure: this version has no such key. */
export function unavailable(why) {
  print({ unavailable: why });
}

function print(value) {
  writeSync(1, `${JSON.stringify(value)}\n`);
  process.exit(0);
}

/** Runs `work` so many times and gives back the ms of the runs after the warm-up. */
export async function timed(work, { warm, steps }) {
  const times = [];
  for (let i = 0; i < warm + steps; i++) {
    if (i === warm) begin();
    const start = performance.now();
    await work();
    if (i >= warm) times.push(performance.now() - start);
  }
  return times;
}
