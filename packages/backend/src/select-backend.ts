import { BackendError } from "@verlet/core";
import { isUnavailable, type BackendName, type Candidate, type ConcreteBackend, type OpenRequest, type PassedOver } from "./candidates/candidate.js";
import { cpu } from "./candidates/cpu.js";
import { native } from "./candidates/native.js";
import { tfjsNode, tfjsNodeGpu } from "./candidates/tfjs-node.js";
import { wasm } from "./candidates/wasm.js";
import { webgpu } from "./candidates/webgpu.js";

export interface BackendInfo {
  readonly name: string;
  /** Version of libtensorflow, where there is one. */
  readonly tensorflowVersion?: string;
  readonly device: string;
  /** Of the processor, where it computes on those. */
  readonly threads?: number;
  /** What a GPU grants, e.g. `maxBufferSize` in bytes; on webgpu. */
  readonly limits?: Readonly<Record<string, number>>;
  /** The faster ones that could not be used, fastest first, each with why and the command that would change it. */
  readonly passedOver: readonly PassedOver[];
}

/** In the order of `backendOrder`. */
const candidates: readonly Candidate[] = [tfjsNodeGpu, native, tfjsNode, webgpu, wasm, cpu];

let active: BackendInfo | undefined;

/** The backend that `selectBackend` made the one in use. */
export const activeBackend = (): BackendInfo | undefined => active;

/**
 * Makes a backend the one in use: the named one, or with `auto` the fastest that works.
 * @param options.ownProducts most products will be verlet's own, in bfloat16 or of layers with adapters; a backend that is loaded already stays as it is
 * @throws BackendError where the named one cannot be used, with the reason and the way out
 */
export async function selectBackend(name: BackendName, options: { candidates?: readonly Candidate[]; ownProducts?: boolean } = {}): Promise<BackendInfo> {
  const known = options.candidates ?? candidates;
  const wanted = name === "auto" ? known : known.filter((each) => each.name === name);
  const passedOver: PassedOver[] = [];
  for (const candidate of wanted) {
    const result = await open(candidate, { named: name !== "auto", ownProducts: options.ownProducts ?? false });
    if (isUnavailable(result)) passedOver.push(result);
    else return (active = { ...result, passedOver: [...passedOver, ...result.passedOver] });
  }
  throw unusable(name, passedOver, known);
}

/** Makes the named backend the one in use, or tells why it cannot be and the command that would change it. */
export const openBackend = (name: ConcreteBackend): Promise<BackendInfo | PassedOver> =>
  open(candidates.find((each) => each.name === name)!, { named: true });

async function open(candidate: Candidate, request: OpenRequest): Promise<BackendInfo | PassedOver> {
  const result = await candidate.open(request);
  if (isUnavailable(result)) return { name: candidate.name, ...result };
  const { passedOver: lacking, ...facts } = result;
  return (active = { name: candidate.name, ...facts, passedOver: lacking ? [lacking] : [] });
}

function unusable(name: BackendName, passedOver: readonly PassedOver[], known: readonly Candidate[]): BackendError {
  const only = passedOver[0];
  if (name === "auto" || !only) {
    return new BackendError({
      where: "backend",
      what: name === "auto" ? "no backend works" : "there is no backend of that name",
      got: name === "auto" ? passedOver.map((each) => `${each.name}: ${each.why}`).join("; ") : name,
      expected: ["auto", ...known.map((each) => each.name)].join(", "),
    });
  }
  const run = only.fix ? `Run ${only.fix}, or set` : "Set";
  return new BackendError({
    where: `backend: ${name}`,
    what: "it cannot be used",
    got: only.why,
    fix: `${run} backend: auto for the fastest one that works`,
  });
}

/** The choice in words, one line each: what is in use, then what was passed over and the command that changes it. */
export function describeBackend({ name, tensorflowVersion, device, threads, passedOver }: BackendInfo): string[] {
  const version = tensorflowVersion ? `, TensorFlow ${tensorflowVersion}` : "";
  return [
    `backend ${name}${version} on ${withThreads(device, threads)}`,
    ...passedOver.map(({ name: faster, why, fix }) => `  passed over ${faster}: ${why}${fix ? ` (${fix})` : ""}`),
  ];
}

/** e.g. `AMD EPYC 9354, 4 threads`. */
export const withThreads = (device: string, threads: number | undefined): string =>
  threads === undefined ? device : `${device}, ${threads} ${threads === 1 ? "thread" : "threads"}`;
