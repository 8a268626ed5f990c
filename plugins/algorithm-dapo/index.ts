export { DapoTrainer } from "./dapo-trainer.js";
export { informativeGroups, sampleInformative } from "./dynamic-sampling.js";
