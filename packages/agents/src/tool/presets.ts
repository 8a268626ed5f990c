/** The documents' four sizes of a run, to be spread into the parameters of `train`. */
export const trainingPresets = {
  quick: { max_samples: 10, num_epochs: 1, batch_size: 2, use_lora: true },
  small: { max_samples: 100, num_epochs: 3, batch_size: 4, use_lora: true },
  medium: { max_samples: 1000, num_epochs: 3, batch_size: 4, use_lora: true },
  full: { max_samples: null, num_epochs: 5, batch_size: 8, use_lora: true },
} as const;
