import { doctor, type BackendName, type DoctorReport } from "@verlet/backend";
import type { JsonFlag } from "../options.js";
import { compact, print, printJson, styles, table } from "../output.js";

export interface DoctorFlags extends JsonFlag {
  backend?: BackendName;
}

export async function diagnose({ backend = "auto", json }: DoctorFlags): Promise<void> {
  const report = await doctor({ backend });
  if (json) printJson(report);
  else print(describe(report));
}

function describe({ backend, matmul, node, platform, native, cacheFolder }: DoctorReport): string {
  const { bold } = styles();
  const facts: [string, string][] = [
    ["backend", bold(backend.name)],
    ["TensorFlow", backend.tensorflowVersion ?? "none; TensorFlow.js computes itself"],
    ["device", `${backend.device}, ${backend.threads} ${backend.threads === 1 ? "thread" : "threads"}`],
    ["matmul", `${compact(matmul.gflops)} GFLOP/s (float32, ${matmul.size} × ${matmul.size})`],
    ["Node.js", `${node} on ${platform}`],
    ["set up", native.length > 0 ? native.map(({ kind, folder }) => `native ${kind} in ${folder}`).join(", ") : `nothing in ${cacheFolder}`],
  ];
  const passedOver = backend.passedOver.map(({ name, why, fix }) => [`  ${name}`, why + (fix ? `. To change it: ${bold(fix)}` : "")]);
  return [table(facts), ...(passedOver.length > 0 ? ["", "Passed over, fastest first", table(passedOver)] : [])].join("\n");
}
