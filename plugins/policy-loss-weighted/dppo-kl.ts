import { tf } from "@verlet/backend";
import { inject, OPTIONS, registerPolicyLoss, type PolicyLoss, type PolicyLossInput } from "@verlet/core";
import { trustRegionLoss, trustRegionMetrics, trustRegionOptions, type Moved, type TrustRegion, type TrustRegionOptions } from "./trust-region.js";

/** KL(old ‖ new) of drawing this token or another; a token on its way back is always in. */
const binaryKl: TrustRegion = {
  likelier: (moved, limit) => tf.logicalOr(tf.lessEqual(coinKl(moved), limit), tf.lessEqual(moved.p, moved.old)),
  lessLikely: (moved, limit) => tf.logicalOr(tf.lessEqual(coinKl(moved), limit), tf.greaterEqual(moved.p, moved.old)),
};

function coinKl({ p, old, logP, logOld }: Moved): tf.Tensor {
  const rest = (x: tf.Tensor2D): tf.Tensor => tf.add(tf.sub(1, x), 1e-8);
  return tf.add(tf.mul(old, tf.sub(logOld, logP)), tf.mul(tf.sub(1, old), tf.log(tf.div(rest(old), rest(p)))));
}

/** DPPO with binary KL (Qi et al. 2026; verl `compute_policy_loss_dppo_kl`). */
@registerPolicyLoss("dppo_kl", { options: trustRegionOptions(0.05), doc: "DPPO: the weighted policy gradient within a trust region in binary KL" })
export class DppoKlLoss implements PolicyLoss {
  readonly #options: TrustRegionOptions;

  constructor(@inject(OPTIONS) options: TrustRegionOptions) {
    this.#options = options;
  }

  /** [B, C] */
  tokenLoss(input: PolicyLossInput): tf.Tensor2D {
    return trustRegionLoss(input, binaryKl, this.#options);
  }

  tokenMetrics(input: PolicyLossInput): Record<string, tf.Scalar> {
    return trustRegionMetrics(input, binaryKl, this.#options);
  }
}
