import { tf } from "@verlet/backend";
import { registerPolicyLoss } from "@verlet/core";

/** −A·log p: the policy gradient without a ratio (Chu et al. 2025, GPG; verl `compute_policy_loss_gpg`), [B, C]. */
export const gpg = registerPolicyLoss("gpg", { doc: "the plain policy gradient, −A·log p, without a ratio" })(({ logProbs, advantages }) => tf.mul(tf.neg(advantages), logProbs));
