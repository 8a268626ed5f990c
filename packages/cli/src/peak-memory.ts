import { readFileSync } from "node:fs";

/** The highest resident memory of this process so far, in bytes. */
export function peakMemory(): number {
  // Linux hands a child the peak of the process that started it in maxRSS, but not in VmHWM.
  const kilobytes = process.platform === "linux" ? /^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] : undefined;
  return 1024 * (kilobytes === undefined ? process.resourceUsage().maxRSS : Number(kilobytes));
}
