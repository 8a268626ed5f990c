/** 功能概述, 1: train, evaluate, save and load, the same for every algorithm. */
import { VERLTrainingManager } from "@verlet/verl";
import { outputOf } from "../settings.ts";
import { dataPath, here, manager as options } from "./settings.ts";

const output = outputOf("verl-training-manager/one-interface");
const make = () => new VERLTrainingManager({ config: here("grpo.yaml"), manager: options });

const manager = make();
const before = await manager.evaluate(dataPath);
await manager.train(dataPath, `${output}/run`, { learningRate: 1e-3, saveInterval: 2 });
const after = await manager.evaluate(dataPath);
await manager.save(`${output}/model`);
await manager.dispose();

const another = make();
await another.load(`${output}/model`);
const loaded = await another.evaluate(dataPath);
await another.dispose();

for (const [name, { metrics }] of Object.entries({ before, after, loaded })) console.log(`${name}: reward ${metrics["eval/reward"]}`);
