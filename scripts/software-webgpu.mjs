/**
 * WebGPU without a GPU, for the tests: puts SwiftShader (Vulkan on the processor) and a Vulkan loader beside a copy of
 * the npm package `webgpu` in verlet's cache. They come out of Debian's package chromium-common, which is downloaded but
 * not installed, so this wants the apt-get of Debian or Ubuntu with its lists fetched (apt-get update). Runs after a build.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupWebgpu } from "@verlet/backend";

const PACKAGE = "chromium-common";
const FILES = ["libvk_swiftshader.so", "vk_swiftshader_icd.json", "libvulkan.so.1"];

try {
  const { folder: plain } = await setupWebgpu();
  const folder = `${plain}-software`;
  if (!existsSync(folder)) await prepare(plain, folder);
  console.error(`SwiftShader is in ${folder}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function prepare(plain, folder) {
  const temporary = await mkdtemp(join(tmpdir(), "verlet-swiftshader-"));
  const made = `${folder}.${process.pid}`;
  try {
    console.error(`downloading ${PACKAGE}`);
    run("apt-get", ["download", "-q", PACKAGE], temporary);
    run("dpkg-deb", ["-x", (await readdir(temporary)).find((name) => name.endsWith(".deb")), "unpacked"], temporary);
    await cp(plain, made, { recursive: true });
    // Dawn looks for the loader beside itself first, so that nothing has to be installed.
    const addon = join(made, "dist", (await readdir(join(made, "dist")))[0]);
    for (const file of FILES) await cp(join(temporary, "unpacked", "usr", "lib", "chromium", file), join(addon, file));
    await rename(made, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await rm(made, { recursive: true, force: true });
  }
}

function run(program, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
}
