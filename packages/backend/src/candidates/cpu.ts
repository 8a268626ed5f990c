import { tf } from "../tf.js";
import { processorName, type Candidate } from "./candidate.js";

/** Plain JavaScript: works everywhere, some hundred times slower than native. */
export const cpu: Candidate = {
  name: "cpu",
  async open() {
    await tf.setBackend("cpu");
    // Its first tensor would print an advertisement for tfjs-node; verlet has its own words for what is faster.
    (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
    return { device: processorName(), threads: 1 };
  },
};
