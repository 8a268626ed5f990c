import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { trustRegionLoss, trustRegionMetrics, trustRegionOptions, type TrustRegion, type TrustRegionOptions } from "./trust-region.js";

/** p − p_old of the drawn token, on the side that the update would widen. */
const totalVariation: TrustRegion = {
  likelier: ({ p, old }, limit) => tf.lessEqual(tf.sub(p, old), limit),
  lessLikely: ({ p, old }, limit) => tf.greaterEqual(tf.sub(p, old), -limit),
};

/** DPPO with total variation (Qi et al. 2026; verl `compute_policy_loss_dppo_tv`). */
@registerPolicyLoss("dppo_tv", { options: trustRegionOptions(0.15), doc: "DPPO: the weighted policy gradient within a trust region in total variation" })
export class DppoTvLoss implements PolicyLoss {
  readonly #options: TrustRegionOptions;

  constructor(@inject(OPTIONS) options: TrustRegionOptions) {
    this.#options = options;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    return trustRegionLoss(input, totalVariation, this.#options);
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    return trustRegionMetrics(input, totalVariation, this.#options);
  }
}
