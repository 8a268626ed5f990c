/** Run as a program of its own: `node try-webgpu.js FOLDER` loads a Dawn addon and prints the adapter it finds as JSON. */
import { join } from "node:path";
import { loadDawn } from "../webgpu/dawn-package.js";
import { findAdapter } from "../webgpu/open-device.js";

try {
  const found = await findAdapter(await loadDawn(join(process.argv[2]!, "index.js")));
  process.stdout.write(JSON.stringify({ adapter: found && { name: found.adapter.name, software: found.adapter.software } }));
} catch (error) {
  process.stderr.write((error as Error).message); // the last words of a stack would be of Node.js
  process.exitCode = 1;
}
