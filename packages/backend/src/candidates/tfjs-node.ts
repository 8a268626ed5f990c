import { createRequire } from "node:module";
import { join } from "node:path";
import { hasNvidiaDriver } from "../native/native-cache.js";
import { firstLine, type Candidate, type ConcreteBackend, type Unavailable } from "./candidate.js";
import { describeTensorFlow, takeSlot } from "./tensorflow-slot.js";

/** The npm package of that name, if the user installed it: looked for from the working folder, then from verlet itself. */
const fromNpm = (name: ConcreteBackend): Candidate => ({
  name,
  async open() {
    const specifier = `@tensorflow/${name}`;
    const path = resolveFrom([join(process.cwd(), "package.json"), import.meta.url], specifier);
    if (!path) return absent(name, specifier);
    process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
    try {
      const refused = await takeSlot(name, () => void createRequire(import.meta.url)(path));
      return refused ?? describeTensorFlow();
    } catch (error) {
      return { why: `${specifier} does not load: ${firstLine(error)}`, fix: `npm rebuild ${specifier} --ignore-scripts=false` };
    }
  },
});

function absent(name: ConcreteBackend, specifier: string): Unavailable {
  if (name === "tfjs-node-gpu" && !hasNvidiaDriver()) return { why: `${specifier} is not installed, and there is no NVIDIA driver` };
  return { why: `${specifier} is not installed`, fix: `npm install ${specifier}` };
}

export const tfjsNode = fromNpm("tfjs-node");
export const tfjsNodeGpu = fromNpm("tfjs-node-gpu");

function resolveFrom(places: readonly string[], specifier: string): string | undefined {
  for (const place of places) {
    try {
      return createRequire(place).resolve(specifier);
    } catch {
      continue;
    }
  }
  return undefined;
}
