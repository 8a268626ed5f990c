/** The documents' three wrappers. */
import { CONFIG_SFT_RATE } from "./training-config.js";
import { TrainerWrapper, type WrapperOptions } from "./trainer-wrapper.js";

/** Supervised fine-tuning; batches of 4 rows and a rate of 2e-5 by default. */
export class SFTTrainerWrapper extends TrainerWrapper {
  constructor(options: WrapperOptions) {
    super("SFTTrainerWrapper", "sft", options, { samples: false, configRate: CONFIG_SFT_RATE });
  }
}

/** GRPO; batches of 2 prompts and a rate of 1e-5 by default. */
export class GRPOTrainerWrapper extends TrainerWrapper {
  constructor(options: WrapperOptions) {
    super("GRPOTrainerWrapper", "grpo", options, { samples: true });
  }
}

/** PPO with a critic, which the documents' wrapper of that name only announces. */
export class PPOTrainerWrapper extends TrainerWrapper {
  constructor(options: WrapperOptions) {
    super("PPOTrainerWrapper", "ppo", options, { samples: true });
  }
}
