export { DapoTrainer } from "./dapo-trainer.js";
export { isInformative, sampleInformative } from "./dynamic-sampling.js";
