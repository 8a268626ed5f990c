import { Option, type Command } from "commander";
import { example } from "../options.js";
import type { SetupFlags } from "../verbs/setup.js";

export function addSetup(program: Command): void {
  program
    .command("setup")
    .description("fetch and build the native TensorFlow backend, or fetch the WebGPU one, once for all projects")
    .addOption(new Option("--gpu", "the CUDA build (default where there is an NVIDIA driver)").conflicts("cpu"))
    .option("--cpu", "the build for the processor alone")
    .addOption(new Option("--webgpu", "WebGPU in place of TensorFlow: for GPUs of any maker (51 MB, nothing to compile)").conflicts(["gpu", "cpu"]))
    .option("--force", "start over, even where it is set up already")
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet setup --cpu"))
    .action(async (flags: SetupFlags) => {
      const { setup } = await import("../verbs/setup.js");
      await setup(flags);
    });
}
