import type { ChatTokenizer, Policy, Prompt, Rng, Rollout, RolloutSection } from "@verlet/core";

type Sampler = Pick<Policy, "generate">;
type SamplingSection = Omit<RolloutSection, "numGenerations" | "batchSize"> & { numGenerations?: number; batchSize?: number };

/**
 * Samples G completions of each prompt: B = P·G rollouts, those of a prompt side by side and sharing a group number.
 * `rollout.batchSize` bounds the rows sampled at a time and does not change what is drawn.
 */
export async function sampleGroups(policy: Sampler, tokenizer: ChatTokenizer, prompts: readonly Prompt[], section: SamplingSection, rng: Rng, firstGroup = 0): Promise<Rollout[]> {
  const { numGenerations = 1, batchSize = 0, ...sampling } = section;
  const rows = prompts.flatMap((prompt, i) => Array.from({ length: numGenerations }, () => ({ prompt, group: firstGroup + i })));
  const chunk = batchSize > 0 ? batchSize : rows.length;
  const rollouts: Rollout[] = [];
  for (let start = 0; start < rows.length; start += chunk) {
    const part = rows.slice(start, start + chunk);
    const sampled = await policy.generate(part.map(({ prompt }) => prompt.ids), { ...sampling, stopTokenIds: tokenizer.stopTokenIds }, rng);
    sampled.forEach(({ ids, logProbs, finished }, i) => {
      rollouts.push({ ...part[i]!, completionIds: ids, completion: tokenizer.decode(ids, { skipSpecialTokens: true }), logProbs, finished });
    });
  }
  return rollouts;
}
