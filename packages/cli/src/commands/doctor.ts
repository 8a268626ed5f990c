import type { Command } from "commander";
import { backendOption, example } from "../options.js";
import type { DoctorFlags } from "../verbs/doctor.js";

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("which backend is in use, what was passed over and why, and how fast it multiplies")
    .addOption(backendOption())
    .option("--bench", "measure every backend that is here, and tell what the others lack")
    .option("--json", "print one JSON object")
    .addHelpText(...example("verlet doctor"))
    .action(async (flags: DoctorFlags) => {
      const { diagnose } = await import("../verbs/doctor.js");
      await diagnose(flags);
    });
}
