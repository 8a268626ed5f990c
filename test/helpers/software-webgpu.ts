import { existsSync } from "node:fs";
import { join } from "node:path";
import { addonFolder, webgpuFolder } from "../../packages/backend/dist/webgpu/dawn-package.js";

/**
 * Has WebGPU compute on the processor where `node scripts/software-webgpu.mjs` has prepared that; otherwise what the user
 * has set up counts. The loader of Vulkan reads its variable when Dawn opens it.
 */
export function preferSoftwareWebgpu(): void {
  const folder = `${webgpuFolder()}-software`;
  if (!existsSync(folder)) return;
  process.env["VERLET_WEBGPU"] = folder;
  process.env["VK_ICD_FILENAMES"] = join(folder, "dist", addonFolder(), "vk_swiftshader_icd.json");
}
