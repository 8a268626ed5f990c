/** 配置文件: the seven sections, and the key of verlet's that each key becomes. */
import { VERLTrainingManager } from "@verlet/verl";
import { here } from "./settings.ts";

const { translation } = await new VERLTrainingManager({ config: here("all-sections.yaml") }).resolve();

for (const section of ["data", "actor_rollout_ref", "critic", "reward_model", "verifier", "algorithm", "trainer"]) {
  console.log(section);
  for (const { verl, ours, value, written } of translation!.keys) {
    const own = verl.split(", ").filter((key) => key.startsWith(`${section}.`));
    if (written && own.length > 0) console.log(`  ${own.join(", ")} → ${ours} = ${JSON.stringify(value)}`);
  }
}
for (const note of translation!.notes) console.log(`note: ${note}`);
