import { hasNvidiaDriver, isComplete, isNativePlatform, nativeFolder } from "../native/native-cache.js";
import { loadNative } from "../native/load-native.js";
import type { NativeKind } from "../native/releases.js";
import { firstLine, type Candidate } from "./candidate.js";
import { describeTensorFlow, takeSlot } from "./tensorflow-slot.js";

/** A current libtensorflow under tfjs-node's addon, made by `verlet setup`. */
export const native: Candidate = {
  name: "native",
  async open({ ownProducts = false }) {
    const driver = hasNvidiaDriver();
    const kinds: NativeKind[] = driver ? ["gpu", "cpu"] : ["cpu", "gpu"];
    const kind = kinds.find((each) => isComplete(nativeFolder(each), each));
    if (!kind) {
      return isNativePlatform()
        ? { why: "it is not set up", fix: "npx verlet setup" }
        : { why: `there is no build for ${process.platform}-${process.arch}` };
    }
    const folder = nativeFolder(kind);
    try {
      const refused = await takeSlot("native", () => void loadNative(folder, kind, { oneAtATime: ownProducts }));
      if (refused) return refused;
    } catch (error) {
      return { why: `what is set up in ${folder} does not load: ${firstLine(error)}`, fix: "npx verlet setup --force" };
    }
    const opened = describeTensorFlow();
    if (!driver || kind === "gpu") return opened;
    return { ...opened, passedOver: { name: "native on the GPU", why: "only the CPU build is set up", fix: "npx verlet setup --gpu" } };
  },
};
