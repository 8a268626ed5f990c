import { registerAdvantage, z } from "@verlet/core";
import { neededInput, tokenAdvantages, whiten, type HostTokens } from "@verlet/rl";

const options = z.strictObject({
  gamma: z.number().min(0).max(1).default(1).describe("discount of later rewards"),
  lam: z.number().min(0).max(1).default(1).describe("λ: 1 = whole returns, 0 = one step and the critic"),
});

/**
 * Generalised advantage estimation (Schulman et al. 2016, eq. 16; verl `compute_gae_advantage_return`), backwards over a row:
 * δ_t = r_t + γ·V_{t+1} − V_t, A_t = δ_t + γλ·A_{t+1}; holes of the mask are passed over. returns = A + V, what the critic is
 * trained towards; advantages are A whitened over the batch. 0 where the mask is 0, where verl leaves shifted numbers.
 */
export const gae = registerAdvantage("gae", { options, needs: { critic: true }, doc: "generalised advantage estimation with a critic, whitened over the batch" })((input, { gamma, lam }) =>
  tokenAdvantages(input, (tokens) => {
    const values = neededInput(input, "values", "gae").dataSync();
    const advantages = backwards(tokens, values, gamma, lam);
    return { advantages: whiten(advantages, tokens.mask), returns: advantages.map((advantage, i) => advantage + values[i]!) };
  }),
);

function backwards({ rows, width, rewards, mask }: HostTokens, values: ArrayLike<number>, gamma: number, lam: number): Float64Array {
  const advantages = new Float64Array(rows * width); // [B, C]
  for (let row = 0; row < rows; row++) {
    let nextValue = 0;
    let nextAdvantage = 0;
    for (let i = (row + 1) * width - 1; i >= row * width; i--) {
      if (!mask[i]) continue;
      nextAdvantage = rewards[i]! + gamma * nextValue - values[i]! + gamma * lam * nextAdvantage;
      nextValue = values[i]!;
      advantages[i] = nextAdvantage;
    }
  }
  return advantages;
}
