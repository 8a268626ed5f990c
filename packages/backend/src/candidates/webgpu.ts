import { existsSync, readdirSync } from "node:fs";
import { tf } from "../tf.js";
import { addonFolder, addonFolders, findDawn, loadDawn, webgpuFolder } from "../webgpu/dawn-package.js";
import { findAdapter, type FoundAdapter } from "../webgpu/open-device.js";
import { firstLine, type Candidate, type Opened, type Unavailable } from "./candidate.js";

let found: FoundAdapter | undefined;
let registered = false;

/** WebGPU through Dawn: any GPU with a driver for Vulkan, Metal or Direct3D 12. */
export const webgpu: Candidate = {
  name: "webgpu",
  async open({ named }) {
    const path = findDawn();
    if (!path) return absent(named);
    try {
      found ??= await findAdapter(await loadDawn(path));
    } catch (error) {
      const isOurs = path.startsWith(webgpuFolder());
      return { why: `${path} does not load: ${firstLine(error)}`, ...(isOurs && { fix: "npx verlet setup --webgpu --force" }) };
    }
    if (!found) return { why: noAdapter() };
    const { name, software, limits } = found.adapter;
    // Slower than wasm: of use for tests, where it is asked for.
    if (software && !named) return { why: `its only adapter is in software (${name})` };
    return take(found, { device: software ? `${name}, a software adapter: the processor computes` : name, limits });
  },
};

async function take(adapter: FoundAdapter, opened: Opened): Promise<Opened | Unavailable> {
  try {
    if (!registered) await adapter.open();
    registered = true;
    return (await tf.setBackend("webgpu")) ? opened : { why: "it could not be started" };
  } catch (error) {
    return { why: `${adapter.adapter.name} could not be opened: ${firstLine(error)}` };
  }
}

function absent(named: boolean): Unavailable {
  if (!addonFolders.includes(addonFolder())) return { why: `there is no build of the package webgpu for ${process.platform}-${process.arch}` };
  return named || hasGpu() ? { why: "it is not set up", fix: "npx verlet setup --webgpu" } : { why: "it is not set up, and there is no GPU" };
}

const noAdapter = (): string => {
  if (process.platform !== "linux") return "it finds no GPU";
  return hasGpu() ? "it finds no GPU: Vulkan needs the GPU's driver and its loader (Debian, Ubuntu: apt-get install -y libvulkan1)" : "there is no GPU";
};

/** Whether the system shows a GPU; on Linux by its device files, Windows' subsystem for Linux included, elsewhere taken for granted. */
function hasGpu(): boolean {
  if (process.platform !== "linux") return true;
  const cards = existsSync("/dev/dri") ? readdirSync("/dev/dri") : [];
  return cards.some((name) => name.startsWith("renderD")) || existsSync("/dev/nvidia0") || existsSync("/dev/dxg");
}
