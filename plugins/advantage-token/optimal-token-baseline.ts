import { registerAdvantage, z, type AdvantageInput } from "@verlet/core";
import { allEqual, groupMetrics, neededInput, rewardToGo, scoredRowsByGroup, tokenAdvantages, type HostTokens } from "@verlet/rl";

const NAME = "optimal_token_baseline";

const options = z.strictObject({
  handleZeroTail: z.boolean().default(true).describe("no baseline where only the group's longest row still has tokens: it would be the row's own return"),
  epsilon: z.number().gt(0).default(1e-8).describe("added to the baseline's divisor"),
  compact: z.boolean().default(false).describe("count places over a row's own tokens, without the holes that tool output leaves (verl: tir_optimal_token_baseline)"),
});

/**
 * The baseline of least variance for each place t of a group (Li et al. 2026; verl `compute_optimal_token_baseline_advantage`
 * and its `tir` form): A_t = G_t − B_t, B_t = Σ_rows G_t·W_t / (Σ_rows W_t + ε), where G is the reward to go and
 * W_t = Σ_{u ≤ t} (1 − 2·p_u + Σp²_u)·ρ²_u estimates the squared norm of a row's gradient up to t; ρ is the importance weight
 * where given. Groups of one and of equal scores get 0: verl gives the former its return, the latter's tail too.
 */
export const optimalTokenBaseline = registerAdvantage(NAME, { options, needs: { leastGroupSize: 2, tokenDistribution: true }, doc: "reward to go minus the baseline of least variance at each token" })(
  (input, { handleZeroTail, epsilon, compact }) =>
    tokenAdvantages(input, (tokens) => {
      const { width, mask } = tokens;
      const { scores, groups } = input;
      const returns = rewardToGo(tokens);
      const energy = cumulativeEnergy(tokens, input);
      const advantages = new Float64Array(returns.length);
      const compared = new Array<boolean>(scores.length).fill(false);
      for (const members of scoredRowsByGroup(scores, groups).values()) {
        if (allEqual(members.map((row) => scores[row]!))) continue;
        const rows = members.map((row) => placesOf(mask, width, row, compact));
        const baseline = baselineByPlace(rows, width, returns, energy, epsilon);
        const soleFrom = handleZeroTail ? secondLongest(rows) : Infinity;
        for (const places of rows) {
          for (const { i, place } of places) advantages[i] = returns[i]! - (places.length > soleFrom && place >= soleFrom ? 0 : baseline[place]!);
        }
        for (const row of members) compared[row] = true;
      }
      return { advantages, returns, metrics: groupMetrics(input, compared) };
    }),
);

/** A token's place in its row, and its index in a [B, C] array. */
interface Place {
  i: number;
  place: number;
}

function placesOf(mask: Float32Array, width: number, row: number, compact: boolean): Place[] {
  const columns = Array.from({ length: width }, (_, t) => t).filter((t) => mask[row * width + t]);
  return columns.map((t, n) => ({ i: row * width + t, place: compact ? n : t }));
}

/** W, [B, C]; only the tokens of the mask count. */
function cumulativeEnergy({ rows, width, mask }: HostTokens, input: AdvantageInput): Float64Array {
  const logProbs = neededInput(input, "oldLogProbs", NAME).dataSync();
  const sumSquares = neededInput(input, "sumPiSquared", NAME).dataSync();
  const weights = input.importanceWeights?.dataSync();
  const energy = new Float64Array(rows * width);
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let i = row * width; i < (row + 1) * width; i++) {
      if (mask[i]) total += (1 - 2 * Math.exp(logProbs[i]!) + sumSquares[i]!) * (weights ? weights[i]! ** 2 : 1);
      energy[i] = total;
    }
  }
  return energy;
}

/** B, [C], over the rows of one group. */
function baselineByPlace(rows: readonly (readonly Place[])[], width: number, returns: Float64Array, energy: Float64Array, epsilon: number): Float64Array {
  const weighted = new Float64Array(width);
  const totals = new Float64Array(width);
  for (const { i, place } of rows.flat()) {
    weighted[place]! += returns[i]! * energy[i]!;
    totals[place]! += energy[i]!;
  }
  return weighted.map((sum, place) => sum / (totals[place]! + epsilon));
}

/** Tokens of the second longest row: from there on the longest stands alone. */
const secondLongest = (rows: readonly (readonly Place[])[]): number => rows.map(({ length }) => length).toSorted((a, b) => b - a)[1]!;
