import { registerRewardManager, z } from "@verlet/core";
import { oneByOne, scoreEach } from "@verlet/data";
import { managerOf } from "./manager-of.js";

const options = z.strictObject({
  concurrency: z.number().int().min(1).default(64).describe("samples of one reward under way at a time (verl: processes of its pool)"),
});

/**
 * Every sample of every reward is a call of its own, under way side by side, with the reward's `timeout` for each: rewards
 * that take whole batches get batches of one, so that a sample that fails or hangs takes no other with it.
 *
 * After verl's PrimeRewardManager, which differs: there a sample that fails or runs out of time scores 0, in silence, as if
 * its answer were wrong; here it stops the run, or is left unscored with `onError: skip`. verl's pool is of processes, with
 * 300 s for a sample; these are asynchronous calls in one thread, with the `timeout` of the YAML (60 s): what a reward computes
 * without waiting is neither in parallel nor cut short.
 */
export const prime = registerRewardManager("prime", { options, doc: "Scores every sample by itself, all at once, with a timeout for each." })(
  ({ concurrency }, container) => managerOf(container, (reward, samples, context) => scoreEach(oneByOne(reward), samples, context, concurrency)),
);
