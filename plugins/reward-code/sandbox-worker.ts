/** The thread in which code runs: one that does not come back can be ended from outside. */
import { parentPort, workerData } from "node:worker_threads";
import { loadEngine, runCode } from "./sandbox.js";
import type { CodeJob, CodeLimits } from "./sandbox.js";

const port = parentPort!;
port.on("message", (job: CodeJob) => void runCode(job).then((outcome) => port.postMessage(outcome)));
await loadEngine(workerData as CodeLimits);
port.postMessage("ready");
