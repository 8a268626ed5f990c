/** 添加新组件类型: verifiers by name, beside the kinds of component that there are, and a reward function that takes one. */
import { addComponentType, VERLTrainingManager, type TextReward } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

type Verifier = (response: string, truth: string) => boolean;

export const verifiers = addComponentType<Verifier>("verifier");
verifiers.register("exact")((response, truth) => response.trim() === truth);
verifiers.register("last_number")((response, truth) => /(-?\d+)\D*$/.exec(response)?.[1] === truth);

/** A reward that asks the verifier of that name. */
function verifiedBy(name: string): TextReward {
  const verify = verifiers.get(name);
  return (_inputText, responseText, { groundTruth }) => (verify(responseText, String(groundTruth)) ? 1 : 0);
}

for (const name of verifiers.names()) {
  const manager = new VERLTrainingManager({ config: here("grpo.yaml"), rewardFunction: verifiedBy(name), manager: options });
  const { metrics } = await manager.evaluate(dataPath);
  const { steps } = await manager.train(dataPath, `${outputOf(`verl-training-manager/new-component-type/${name}`)}`, { batchSize: 8 });
  await manager.dispose();
  console.log(`${name}: reward ${metrics["eval/reward"]} before ${steps} step`);
}
