import { doctor, withThreads, type BackendName, type DoctorReport, type Measured } from "@verlet/backend";
import type { JsonFlag } from "../options.js";
import { compact, print, printJson, styles, table } from "../output.js";

export interface DoctorFlags extends JsonFlag {
  backend?: BackendName;
  bench?: boolean;
}

export async function diagnose({ backend = "auto", bench = false, json }: DoctorFlags): Promise<void> {
  const report = await doctor({ backend, bench });
  if (json) printJson(report);
  else print(describe(report));
}

function describe({ backend, matmul, node, platform, native, webgpu, cacheFolder, bench }: DoctorReport): string {
  const { bold } = styles();
  const isSetUp = [...native.map(({ kind, folder }) => `native ${kind} in ${folder}`), ...(webgpu ? [`webgpu in ${webgpu}`] : [])];
  const facts: [string, string][] = [
    ["backend", bold(backend.name)],
    ["TensorFlow", backend.tensorflowVersion ?? "none; TensorFlow.js computes itself"],
    ["device", withThreads(backend.device, backend.threads)],
    ...(backend.limits ? [["limits", limitsText(backend.limits)] as [string, string]] : []),
    ["matmul", matmulText(matmul)],
    ["Node.js", `${node} on ${platform}`],
    ["set up", isSetUp.length > 0 ? isSetUp.join(", ") : `nothing in ${cacheFolder}`],
  ];
  const change = ({ why, fix }: { why: string; fix?: string }): string => why + (fix ? `. To change it: ${bold(fix)}` : "");
  const passedOver = backend.passedOver.map((each) => [`  ${each.name}`, change(each)]);
  const measured = (bench ?? []).map((each) => [`  ${each.name}`, "why" in each ? change(each) : figuresText(each)]);
  return [
    table(facts),
    ...(passedOver.length > 0 ? ["", "Passed over, fastest first", table(passedOver)] : []),
    ...(measured.length > 0 ? ["", "Every backend: a float32 matrix product, and a training step of a model of 0.4 M weights on 128 tokens", table(measured)] : []),
  ].join("\n");
}

const matmulText = ({ gflops, size }: DoctorReport["matmul"]): string => `${compact(gflops)} GFLOP/s (float32, ${size} × ${size})`;

const figuresText = ({ device, matmul, stepMs, limits }: Exclude<Measured, { why: string }>): string =>
  [matmulText(matmul), `${compact(stepMs)} ms a step`, device, ...(limits ? [limitsText(limits)] : [])].join("; ");

function limitsText(limits: Readonly<Record<string, number>>): string {
  const mebibytes = (name: string): string => `${compact(limits[name]! / 2 ** 20)} MiB`;
  return `buffers of ${mebibytes("maxBufferSize")}, of which a shader sees ${mebibytes("maxStorageBufferBindingSize")}; ${limits["maxComputeInvocationsPerWorkgroup"]} threads a workgroup`;
}
