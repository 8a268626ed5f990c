/** The CUDA libraries that a TensorFlow wheel wants beside it. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { downloadWheel, type Downloader } from "./download.js";
import { unpack } from "./unpack.js";

/**
 * The requirements of a wheel's extra `and-cuda`, as pip takes them.
 * @param metadata the text of the wheel's METADATA file
 * @returns e.g. `nvidia-cublas-cu12<13.0,>=12.5.3.2`
 */
export function cudaRequirements(metadata: string): string[] {
  return metadata.split(/\r?\n/).flatMap((line) => {
    const match = /^Requires-Dist:\s*([^;]+);.*extra\s*==\s*["']and-cuda["']/.exec(line);
    return match ? [match[1]!.replaceAll(/\s/g, "")] : [];
  });
}

/**
 * Downloads each library's wheel and unpacks it as `pip install` would lay it out: `nvidia/<library>/lib` beside
 * `tensorflow/`. TensorFlow opens the libraries by soname from within libtensorflow_framework.so.2, whose own run path
 * names exactly these folders relative to itself (`$ORIGIN/../nvidia/cublas/lib` …), and the libraries find each other
 * the same way: so LD_LIBRARY_PATH, links, and an rpath on the addon (which would not count for an open from another
 * library) are not needed. ptxas and libdevice are looked for in `../nvidia/cuda_nvcc` likewise.
 */
export async function addCudaLibraries(downloader: Downloader, requirements: readonly string[], folder: string, temporary: string): Promise<void> {
  for (const [i, requirement] of requirements.entries()) {
    downloader.log(`downloading ${requirement} (CUDA library ${i + 1} of ${requirements.length})`);
    const place = join(temporary, `cuda-${i}`);
    const wheel = await downloadWheel(downloader, requirement, place);
    await unpack(downloader.run, downloader.tools.python, { archive: wheel, target: folder, patterns: ["nvidia/*", "!*.a", "!*/include/*", "!*.py"] });
    await rm(place, { recursive: true });
  }
}
