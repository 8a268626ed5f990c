import { createManager, registerReward } from "verlet";

registerReward("even", { doc: "1 for an even answer" })(({ completion }) => (/[02468]\s*$/.test(completion) ? 1 : 0));

const manager = await createManager("configs/quickstart-grpo.yaml", {
  overrides: ["rewards.1={name: even, weight: 0.1}", "trainer.maxSteps=5", "trainer.outputDir=./output/script"],
});

const before = await manager.evaluate();
const stats = await manager.train();
const after = await manager.evaluate();
await manager.dispose();

console.log(`${stats.steps} steps on ${stats.backend}: accuracy`, before.metrics["eval/rewards/accuracy/mean"], "→", after.metrics["eval/rewards/accuracy/mean"]);
